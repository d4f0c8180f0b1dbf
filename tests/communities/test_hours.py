"""The calendar of moderators: what it means, when the clocks change too, and in words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from communities.hours import (
    NotACalendar,
    common,
    cover_of,
    hours_in_words,
    is_covered,
    next_cover,
    normal,
    read_hours,
)
from communities.tiers import Cover

LONDON = ZoneInfo("Europe/London")
OFFICE = [[day, "09:00", "17:00"] for day in range(1, 6)]
ALWAYS = [[day, "00:00", "24:00"] for day in range(1, 8)]
WEEK = 7 * 24 * 60
TIMES = st.builds(
    lambda hour, minute: f"{hour:02}:{minute:02}",
    st.integers(0, 23),
    st.sampled_from([0, 1, 30, 59]),
)
ENTRIES = st.tuples(st.integers(1, 7), TIMES, TIMES | st.just("24:00")).map(list)
CALENDARS = st.lists(ENTRIES, max_size=6)


def london(text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON, fold=fold)


def minutes_of(hours: list[list[object]]) -> set[int]:
    """The minutes of the week, told slowly: from Monday 1 January 2024, when London keeps UTC."""
    monday = datetime(2024, 1, 1, tzinfo=UTC)
    covered = set()
    for day, begin, end in hours:
        start = monday + timedelta(
            days=int(str(day)) - 1, hours=int(str(begin)[:2]), minutes=int(str(begin)[3:])
        )
        stop = monday + timedelta(
            days=int(str(day)) - 1, hours=int(str(end)[:2]), minutes=int(str(end)[3:])
        )
        if stop <= start:
            stop += timedelta(days=1)
        first = int((start - monday).total_seconds()) // 60
        last = int((stop - monday).total_seconds()) // 60
        covered |= {minute % WEEK for minute in range(first, last)}
    return covered


@settings(max_examples=40, deadline=None)
@given(CALENDARS)
def test_a_calendar_in_order_means_the_same_and_stays_as_it_is(hours: list[list[object]]) -> None:
    once = normal(hours)

    assert minutes_of(once) == minutes_of(hours)
    assert normal(once) == once
    assert len(once) <= max(len(hours) + 8, 0)


@settings(max_examples=40, deadline=None)
@given(CALENDARS, CALENDARS)
def test_what_two_calendars_have_in_common_is_in_both(
    one: list[list[object]], other: list[list[object]]
) -> None:
    assert minutes_of(common(one, other)) == minutes_of(one) & minutes_of(other)


@settings(max_examples=40, deadline=None)
@given(CALENDARS, st.integers(0, WEEK - 1))
def test_a_moment_is_covered_when_its_minute_is(hours: list[list[object]], minute: int) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)

    assert is_covered(hours, "Europe/London", at) is (minute in minutes_of(hours))


@settings(max_examples=25, deadline=None)
@given(CALENDARS, st.integers(0, 60 * 24 * 21))
def test_the_next_cover_is_the_first_minute_that_is_covered(
    hours: list[list[object]], minute: int
) -> None:
    """Also across the nights on which London's clocks change: 31 March and 27 October 2024."""
    for begin in (datetime(2024, 3, 22, tzinfo=UTC), datetime(2024, 10, 18, tzinfo=UTC)):
        at = begin + timedelta(minutes=minute)
        slowly = next(
            (
                moment
                for ahead in range(8 * 24 * 60)
                if is_covered(hours, "Europe/London", moment := at + timedelta(minutes=ahead))
            ),
            None,
        )

        assert next_cover(hours, "Europe/London", at) == slowly


@pytest.mark.parametrize(
    ("hours", "words", "cover"),
    [
        ([], "", Cover.UNKNOWN),
        (ALWAYS, "Day and night", Cover.ALL_HOURS),
        (OFFICE, "Monday to Friday 09:00 to 17:00", Cover.WEEKDAYS),
        (
            [*OFFICE, [6, "10:00", "12:00"]],
            "Monday to Friday 09:00 to 17:00; Saturday 10:00 to 12:00",
            Cover.WEEKDAYS,
        ),
        (
            [[6, "10:00", "12:00"], [7, "10:00", "12:00"]],
            "Saturday and Sunday 10:00 to 12:00",
            Cover.SESSIONS,
        ),
        ([[day, "08:00", "22:00"] for day in range(1, 8)], "Every day 08:00 to 22:00", Cover.DAILY),
        ([[5, "22:00", "06:00"]], "Friday 22:00 to 06:00", Cover.SESSIONS),
        (
            [[3, "19:00", "20:00"], [3, "08:00", "09:00"]],
            "Wednesday 08:00 to 09:00, 19:00 to 20:00",
            Cover.SESSIONS,
        ),
        ([[2, "00:00", "24:00"]], "Tuesday all day", Cover.SESSIONS),
        # The night from Sunday to Monday goes on over the end of the week.
        ([[7, "22:00", "24:00"], [1, "00:00", "06:00"]], "Sunday 22:00 to 06:00", Cover.SESSIONS),
    ],
)
def test_a_calendar_in_words_and_what_cover_it_gives(
    hours: list[list[object]], words: str, cover: Cover
) -> None:
    assert hours_in_words(hours) == words
    assert cover_of(hours) is cover


def test_spans_that_overlap_or_touch_are_one() -> None:
    assert normal([[1, "12:00", "14:00"], [1, "09:00", "12:30"], [1, "14:00", "15:00"]]) == [
        [1, "09:00", "15:00"]
    ]


def test_one_minute_less_than_the_whole_week_is_not_day_and_night() -> None:
    assert cover_of([*ALWAYS[:6], [7, "00:00", "23:59"]]) is Cover.DAILY


@pytest.mark.parametrize(
    ("hours", "says"),
    [
        ("always", "list"),
        ([[0, "09:00", "10:00"]], "weekday"),
        ([[8, "09:00", "10:00"]], "weekday"),
        ([[True, "09:00", "10:00"]], "weekday"),
        ([["1", "09:00", "10:00"]], "weekday"),
        ([[1, "09:00"]], "weekday"),
        ([[1, "9:00", "10:00"]], "9:00"),
        ([[1, "24:00", "10:00"]], "24:00"),
        ([[1, "09:00", "25:00"]], "25:00"),
        ([[1, "\u0660\u0669:00", "10:00"]], "time"),
        ([None], "weekday"),
        ([[1, "09:00", "10:00"]] * 71, "70"),
    ],
)
def test_what_is_no_calendar_is_refused_with_what_is_wrong(hours: object, says: str) -> None:
    with pytest.raises(NotACalendar, match=says):
        normal(hours)


@pytest.mark.parametrize("text", ["x", "1-8 09:00-10:00", "1 9-10", "1-5 09:00-17:00 "])
def test_a_cell_that_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(NotACalendar):
        read_hours(text)


def test_a_cell_holds_days_and_times() -> None:
    assert read_hours("1-5 09:00-17:00|6 10:00-12:00") == [*OFFICE, [6, "10:00", "12:00"]]
    assert read_hours("") == []


def test_hours_are_those_of_the_clock_in_summer_and_in_winter() -> None:
    winter, summer = london("2026-01-05T09:00"), london("2026-07-06T09:00")

    assert is_covered(OFFICE, "Europe/London", winter.astimezone(UTC))
    assert is_covered(OFFICE, "Europe/London", summer.astimezone(UTC))
    assert not is_covered(OFFICE, "Europe/London", datetime(2026, 7, 6, 16, 30, tzinfo=UTC))
    assert is_covered(OFFICE, "Europe/London", datetime(2026, 1, 5, 16, 30, tzinfo=UTC))


def test_an_hour_that_the_clock_shows_twice_is_covered_twice() -> None:
    night = [[7, "01:00", "02:00"]]  # 25 October 2026: the clocks go back from 02:00 to 01:00

    assert is_covered(night, "Europe/London", london("2026-10-25T01:30"))
    assert is_covered(night, "Europe/London", london("2026-10-25T01:30", fold=1))
    before = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert next_cover(night, "Europe/London", before) == datetime(2026, 10, 25, 0, 0, tzinfo=UTC)


def test_a_span_that_begins_in_the_hour_that_is_left_out_begins_when_the_clock_has_moved() -> None:
    night = [[7, "01:30", "03:00"]]  # 29 March 2026: the clocks go forward from 01:00 to 02:00

    assert next_cover(night, "Europe/London", london("2026-03-29T00:30")) == london(
        "2026-03-29T02:00"
    )


def test_an_hour_that_is_left_out_is_not_covered_until_the_week_after() -> None:
    night = [[7, "01:00", "02:00"]]

    assert next_cover(night, "Europe/London", london("2026-03-29T00:30")) == london(
        "2026-04-05T01:00"
    )


def test_nobody_is_there_next_when_nobody_ever_is() -> None:
    assert next_cover([], "Europe/London", london("2026-01-05T09:00")) is None


def test_hours_are_those_of_the_communitys_time_zone() -> None:
    assert is_covered(OFFICE, "Australia/Sydney", datetime(2026, 1, 4, 22, 30, tzinfo=UTC))
    assert not is_covered(OFFICE, "Europe/London", datetime(2026, 1, 4, 22, 30, tzinfo=UTC))
