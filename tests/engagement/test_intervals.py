"""Intervals: as published, and never narrower than what the shown figures leave open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.disclosure import possible, shown
from engagement.intervals import Z_95, Z_998, Share, difference, newcombe, wilson

COUNTS = st.integers(min_value=0, max_value=2_000)


@st.composite
def samples(draw: st.DrawFn, *, least: int = 18) -> tuple[int, int]:
    """A part and its whole."""
    whole = draw(st.integers(min_value=least, max_value=800))
    return draw(st.integers(min_value=0, max_value=whole)), whole


# Newcombe 1998 (17:857-872, table I and 17:873-890, table II, method 10).
@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share_is_the_published_one(
    part: int, whole: int, low: float, high: float
) -> None:
    assert wilson(part, whole, z=Z_95) == pytest.approx((low, high), abs=0.00005)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ],
)
def test_the_interval_of_a_difference_is_the_published_one(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    assert newcombe(first, second, z=Z_95) == pytest.approx((low, high), abs=0.00005)


@given(count=COUNTS)
def test_a_count_lies_where_its_figure_says_that_it_can(count: int) -> None:
    figure = shown(count, is_whole_icb=False)

    least, most = possible(figure)

    assert least <= count <= most
    assert shown(least, is_whole_icb=False) == shown(most, is_whole_icb=False) == figure


def test_none_of_a_whole_board_is_none() -> None:
    assert possible(shown(0, is_whole_icb=True)) == (0, 0)


@given(
    first=samples(),
    others=st.lists(samples(least=0), min_size=1, max_size=4),
    z=st.sampled_from([Z_95, Z_998]),
)
def test_what_is_shown_never_claims_more_than_the_exact_counts(
    first: tuple[int, int], others: list[tuple[int, int]], z: float
) -> None:
    rest = (sum(part for part, _ in others), sum(whole for _, whole in others))
    if rest[1] < 40:
        return
    exact = newcombe(first, rest, z=z)

    low, high = difference(_share([first]), _share(others), z=z)

    assert low <= exact[0] + 1e-9
    assert exact[1] - 1e-9 <= high


def _share(counts: list[tuple[int, int]]) -> Share:
    return Share.of(
        (shown(part, is_whole_icb=False), shown(whole, is_whole_icb=False))
        for part, whole in counts
    )


@given(first=samples(), second=samples())
def test_the_other_way_round_is_the_same_with_the_other_sign(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    low, high = difference(_share([first]), _share([second]), z=Z_95)

    assert difference(_share([second]), _share([first]), z=Z_95) == pytest.approx((-high, -low))
    assert -1 <= low <= high <= 1
