"""The calendar of a community's moderators: at what hours of the week somebody is there, by the clock of its time zone.

A calendar is a list of ``[weekday, "from", "to"]``: the weekday on which the span begins (1 Monday … 7 Sunday, as in ISO
8601) and two times. A span that ends at or before it begins ends on the next day. Clocks going forward or back move
the moments, not the times on the clock.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import override

from communities.tiers import Cover

Hours = Sequence[Sequence[object]]
Span = tuple[int, int]  # minutes since Monday 00:00; the end is not included

_DAY = 24 * 60
_WEEK = 7 * _DAY
_HALF_HOUR = timedelta(minutes=30)  # no clock of the world changes at any other moment
_MOST = 70  # spans: ten for each day
_LONGEST = 200  # characters that the directory keeps
_CELL = re.compile(r"([1-7])(?:-([1-7]))? (\d\d:\d\d)-(\d\d:\d\d)\Z", re.ASCII)
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z", re.ASCII)


class NotACalendar(ValueError):
    """What was given is not a list of hours; the text says which entry is wrong, and how."""


def normal(hours: object) -> list[list[object]]:
    """The calendar with its spans in order, those that overlap or touch made one, none longer than a day.

    Raises NotACalendar.
    """
    if not isinstance(hours, list) or len(hours) > _MOST:
        raise NotACalendar(_("Give a list of at most %(most)s times.") % {"most": _MOST})
    return _written(_merged(_span(entry) for entry in hours))


def common(one: Hours, other: Hours) -> list[list[object]]:
    """The calendar of the hours that both calendars hold."""
    both = (
        (max(begin, other_begin), min(end, other_end))
        for begin, end in _inside_one_week(map(_span, one))
        for other_begin, other_end in _inside_one_week(map(_span, other))
        if max(begin, other_begin) < min(end, other_end)
    )
    return _written(_merged(both))


def is_covered(hours: Hours, time_zone: str, at: datetime) -> bool:
    """Whether a moderator is there at this moment."""
    local = at.astimezone(ZoneInfo(time_zone))
    minute = (local.isoweekday() - 1) * _DAY + local.hour * 60 + local.minute
    spans = [_span(entry) for entry in hours]
    return any(begin <= minute + week < end for begin, end in spans for week in (0, _WEEK))


def next_cover(hours: Hours, time_zone: str, at: datetime) -> datetime | None:
    """The first moment from ``at`` on, in UTC, at which a moderator is there; None when that is never."""
    if not hours:
        return None
    at = at.astimezone(UTC)
    # Somebody comes when a span begins, or when the clock is changed into the middle of one.
    later = sorted({at, *_beginnings(hours, time_zone, at), *_clock_changes(time_zone, at)})
    return next((each for each in later if is_covered(hours, time_zone, each)), None)


def cover_of(hours: Hours) -> Cover:
    """How much of the week has moderators: all of it, some of every day, some of Monday to Friday, or less."""
    spans = _merged(map(_span, hours))
    if spans == [(0, _WEEK)]:
        return Cover.ALL_HOURS
    days = {minute // _DAY for begin, end in spans for minute in (*range(begin, end, 60), end - 1)}
    if len(days) == 7:
        return Cover.DAILY
    if days >= {0, 1, 2, 3, 4}:
        return Cover.WEEKDAYS
    return Cover.SESSIONS if days else Cover.UNKNOWN


def hours_in_words(hours: Hours) -> str:
    """The calendar for people, such as "Monday to Friday 09:00 to 17:00; Saturday 10:00 to 12:00"."""
    if cover_of(hours) is Cover.ALL_HOURS:
        return _("Day and night")
    by_day = [(day, ", ".join(_times_on(day, hours))) for day in range(1, 8)]
    runs = [
        ([day for day, _times in run], times)
        for times, run in groupby(by_day, key=lambda each: each[1])
        if times
    ]
    return "; ".join(f"{_days_in_words(days)} {times}" for days, times in runs)


def follows_from(hours: Hours) -> dict[str, str]:
    """What a calendar says in other columns, where nobody types it: how much cover there is, and the hours in English."""
    with override(None):
        return {"cover": cover_of(hours).value, "hours_text": hours_in_words(hours)[:_LONGEST]}


def read_hours(text: str) -> list[list[object]]:
    """A calendar from a cell of a table, such as ``1-5 09:00-17:00|6 10:00-12:00``. Raises NotACalendar."""
    entries: list[list[object]] = []
    for part in filter(None, text.split("|")):
        found = _CELL.match(part)
        if found is None:
            raise NotACalendar(_("%(entry)s is not days and times.") % {"entry": part[:60]})
        first, last = int(found[1]), int(found[2] or found[1])
        entries += [[day, found[3], found[4]] for day in range(first, last + 1)]
    return normal(entries)


def _times_on(day: int, hours: Hours) -> Iterator[str]:
    for weekday, begin, end in normal(list(hours)):
        if weekday == day:
            times = {"begin": begin, "end": end}
            yield _("all day") if begin == end else _("%(begin)s to %(end)s") % times


def _days_in_words(days: list[int]) -> str:
    names = _("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday").split("|")
    first, last = names[days[0] - 1], names[days[-1] - 1]
    if len(days) == 7:
        return _("Every day")
    if len(days) == 1:
        return first
    joined = _("%(first)s and %(last)s") if len(days) == 2 else _("%(first)s to %(last)s")
    return joined % {"first": first, "last": last}


def _span(entry: object) -> Span:
    """One entry in minutes of the week; over midnight on Sunday it ends after the week does."""
    match entry:
        case [int(day), str(begin), str(end)] if 1 <= day <= 7 and not isinstance(day, bool):
            start = (day - 1) * _DAY + _minutes(begin)
            stop = (day - 1) * _DAY + (_DAY if end == "24:00" else _minutes(end))
            return start, stop if stop > start else stop + _DAY
    wanted = _("%(entry)s is not a weekday from 1 to 7 and two times.")
    raise NotACalendar(wanted % {"entry": str(entry)[:60]})


def _minutes(text: str) -> int:
    found = _TIME.match(text)
    if found is None:
        raise NotACalendar(_("%(time)s is not a time such as 09:30.") % {"time": text[:20]})
    return int(found[1]) * 60 + int(found[2])


def _written(spans: Iterable[Span]) -> list[list[object]]:
    return [[begin // _DAY + 1, _clock(begin), _clock(end)] for begin, end in _days_at_most(spans)]


def _clock(minute: int) -> str:
    """The time on the clock. Midnight at the end of a span is 00:00, of the next day."""
    return f"{minute % _DAY // 60:02}:{minute % 60:02}"


def _merged(spans: Iterable[Span]) -> list[Span]:
    """In order, apart from one another, all inside one week but the last, which may run on into the next."""
    found: list[Span] = []
    for begin, end in sorted(_inside_one_week(spans)):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    if len(found) > 1 and found[0][0] == 0 and found[-1][1] == _WEEK:
        (_zero, end), *others, (begin, _week) = found
        return [*others, (begin, end + _WEEK)]
    return found


def _inside_one_week(spans: Iterable[Span]) -> Iterator[Span]:
    for begin, end in spans:
        yield begin, min(end, _WEEK)
        if end > _WEEK:
            yield 0, end - _WEEK


def _days_at_most(spans: Iterable[Span]) -> list[Span]:
    """The same time in pieces that one entry can say: from midnight to midnight where it is longer than a day."""
    pieces: list[Span] = []
    for begin, end in spans:
        while end - begin > _DAY:
            midnight = (begin // _DAY + 1) * _DAY
            pieces.append((begin, midnight))
            begin = midnight
        pieces.append((begin, end))
    return sorted((begin % _WEEK, begin % _WEEK + end - begin) for begin, end in pieces)


def _beginnings(hours: Hours, time_zone: str, at: datetime) -> Iterator[datetime]:
    """When spans begin in the eight days from ``at`` on; twice where the clock shows that time twice."""
    zone = ZoneInfo(time_zone)
    today = at.astimezone(zone).date()
    for ahead in range(9):
        day = today + timedelta(days=ahead)
        for begin, _end in map(_span, hours):
            if begin // _DAY == day.weekday():
                clock = time(begin % _DAY // 60, begin % 60)
                for fold in (0, 1):
                    moment = datetime.combine(day, clock.replace(fold=fold), zone).astimezone(UTC)
                    if moment > at:
                        yield moment


def _clock_changes(time_zone: str, at: datetime) -> Iterator[datetime]:
    """When clocks go forward or back in the eight days from ``at`` on."""
    zone = ZoneInfo(time_zone)
    moment = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    offset = moment.astimezone(zone).utcoffset()
    for _step in range(8 * 48):
        moment += _HALF_HOUR
        if (now := moment.astimezone(zone).utcoffset()) != offset:
            offset = now
            if moment > at:
                yield moment
