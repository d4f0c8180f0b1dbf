"""What may be shown of a count: nothing that tells one person more or less."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.disclosure import HIDDEN, Shown, percentage, shown

COUNTS = st.integers(min_value=0, max_value=100_000)
SHOWN = st.builds(shown, COUNTS, is_whole_icb=st.booleans())


@given(count=COUNTS, is_whole_icb=st.booleans())
def test_a_count_is_hidden_exactly_when_it_is_small(count: int, *, is_whole_icb: bool) -> None:
    is_small = 1 <= count <= 7 or (count == 0 and not is_whole_icb)

    assert (shown(count, is_whole_icb=is_whole_icb).value is None) == is_small


@given(count=st.integers(min_value=8, max_value=100_000), is_whole_icb=st.booleans())
def test_other_counts_are_rounded_to_the_nearest_five(count: int, *, is_whole_icb: bool) -> None:
    value = shown(count, is_whole_icb=is_whole_icb).value

    assert value is not None
    assert value % 5 == 0
    assert abs(value - count) <= 2


@given(count=COUNTS, is_whole_icb=st.booleans())
def test_no_shown_figure_tells_a_count_apart_from_four_others(
    count: int, *, is_whole_icb: bool
) -> None:
    figure = shown(count, is_whole_icb=is_whole_icb)

    nearby = range(max(0, count - 10), count + 11)
    alike = [other for other in nearby if shown(other, is_whole_icb=is_whole_icb) == figure]

    # Zero of a whole ICB is the one exact figure: it is about nobody.
    assert len(alike) >= 5 or (count == 0 and is_whole_icb)


@given(first=COUNTS, second=COUNTS, is_whole_icb=st.booleans())
def test_a_larger_count_is_never_shown_as_a_smaller_figure(
    first: int, second: int, *, is_whole_icb: bool
) -> None:
    lower, higher = (
        shown(count, is_whole_icb=is_whole_icb).value or 0 for count in sorted((first, second))
    )

    assert lower <= higher


@given(part=SHOWN, whole=SHOWN)
def test_a_percentage_comes_from_shown_figures_of_twenty_or_more(part: Shown, whole: Shown) -> None:
    share = percentage(part, whole)

    if part.value is None or whole.value is None or whole.value < 20:
        assert share is None
    else:
        assert share == min(100, round(100 * part.value / whole.value))


@given(
    whole=st.integers(min_value=18, max_value=5_000),
    data=st.data(),
    is_whole_icb=st.booleans(),
)
def test_a_percentage_says_nothing_that_the_figures_do_not(
    whole: int, data: st.DataObject, *, is_whole_icb: bool
) -> None:
    """Two counts that are shown alike have the same percentage."""
    part = data.draw(st.integers(min_value=8, max_value=max(8, whole)))
    other = data.draw(st.integers(min_value=max(8, part - 4), max_value=part + 4))
    figures = [shown(count, is_whole_icb=is_whole_icb) for count in (part, other)]
    of = shown(whole, is_whole_icb=is_whole_icb)

    if figures[0] == figures[1]:
        assert percentage(figures[0], of) == percentage(figures[1], of)


def test_a_hidden_figure_reads_the_same_whatever_it_hides() -> None:
    texts = {shown(count, is_whole_icb=False).text for count in range(8)}

    assert texts == {HIDDEN}
    assert shown(12_345, is_whole_icb=True).text == "12,345"


def test_a_count_below_none_is_a_fault() -> None:
    with pytest.raises(ValueError, match="negative"):
        shown(-1, is_whole_icb=True)
