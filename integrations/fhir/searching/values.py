"""The values of search parameters as R4 writes them: lists, tokens, dates with prefixes."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils.timezone import get_default_timezone

_UNESCAPED_COMMA = re.compile(r"(?<!\\)(?:\\\\)*,")
_ESCAPED = re.compile(r"\\([\\,|$])")
_TOKEN = re.compile(r"(?:(?P<system>(?:[^\\|]|\\.)*+)(?P<bar>\|))?(?P<code>(?:[^\\|]|\\.)*+)")
_DATE = re.compile(
    r"(?P<prefix>eq|ne|gt|lt|ge|le|sa|eb|ap)?"
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)
FIRST_MOMENT = datetime(1, 1, 2, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)


class BadValue(Exception):
    """A value that its parameter cannot be searched by; the text says what it should look like."""


@dataclass(frozen=True)
class Token:
    """``code`` in ``system``; a system of None was not asked about, an empty one must be absent."""

    system: str | None
    code: str


@dataclass(frozen=True)
class Moments:
    """A prefix and the stretch of time that a date value names: from ``start`` up to, not including, ``end``."""

    prefix: str
    start: datetime
    end: datetime


def alternatives(text: str) -> list[str]:
    """The values between the commas that no backslash stands before; still escaped."""
    parts, begin = [], 0
    for found in _UNESCAPED_COMMA.finditer(text):
        parts.append(text[begin : found.end() - 1])
        begin = found.end()
    parts.append(text[begin:])
    return [part for part in parts if part]


def plain(text: str) -> str:
    """The text without the backslashes that protected a character."""
    return _ESCAPED.sub(r"\1", text)


def token(text: str) -> Token:
    """``code``, ``system|code``, ``|code`` or ``system|``. Raises BadValue."""
    found = _TOKEN.fullmatch(text)
    if found is None or text in ("", "|"):
        raise BadValue("Write code, system|code, |code or system|.")
    system = plain(found["system"]) if found["bar"] else None
    return Token(system=system, code=plain(found["code"]))


def moments(text: str) -> Moments:
    """A date or date and time, as exact as it is written, with or without a prefix. Raises BadValue.

    A value without a time zone is meant in this service's own, that of the United Kingdom.
    """
    # A plus in a query string arrives as a space.
    found = _DATE.fullmatch(text.replace(" ", "+"))
    if found is None:
        raise BadValue(
            "Write a date as YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone, if wanted behind one of"
            " eq, ne, gt, lt, ge, le, sa, eb, ap."
        )
    try:
        start, end = (moment.astimezone(UTC) for moment in _stretch(found))
    except (ValueError, OverflowError):
        raise BadValue("This date is not in the calendar.") from None
    return Moments(prefix=found["prefix"] or "eq", start=start, end=end)


def _stretch(found: re.Match[str]) -> tuple[datetime, datetime]:
    year, month, day = int(found["year"]), found["month"], found["day"]
    first = date(year, int(month or 1), int(day or 1))
    if found["hour"]:
        start = _moment(found, first)
        return start, start + _exactness(found)
    if day:
        after = first + timedelta(days=1)
    elif month:
        after = date(year + first.month // 12, first.month % 12 + 1, 1)
    else:
        after = date(year + 1, 1, 1)
    return _midnight(first), _midnight(after)


def _moment(found: re.Match[str], day: date) -> datetime:
    clock = f"{found['hour']}:{found['minute']}:{found['second'] or '00'}"
    fraction = (found["fraction"] or "0").ljust(6, "0")
    zone = (found["zone"] or "").replace("Z", "+00:00")
    moment = datetime.fromisoformat(f"{day.isoformat()}T{clock}.{fraction}{zone}")
    return moment if zone else moment.replace(tzinfo=get_default_timezone())


def _exactness(found: re.Match[str]) -> timedelta:
    if found["fraction"]:
        return timedelta(microseconds=10 ** (6 - len(found["fraction"])))
    return timedelta(seconds=1) if found["second"] else timedelta(minutes=1)


def _midnight(day: date) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=get_default_timezone())
    # The first and last days of the calendar have no UTC moment in every zone.
    return min(midnight, LAST_MOMENT)
