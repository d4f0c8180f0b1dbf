"""The written form of FHIR's primitive types, as R4 gives it: no value is ever converted."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

_DATE = r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_FULL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_TEXT = "text that is not blank"
# type: (its pattern, what to say when a value does not fit)
_PATTERNS: dict[str, tuple[re.Pattern[str], str]] = {
    "string": (re.compile(r"[\s\S]*\S[\s\S]*"), _TEXT),
    "markdown": (re.compile(r"[\s\S]*\S[\s\S]*"), _TEXT),
    "xhtml": (re.compile(r"[\s\S]*\S[\s\S]*"), _TEXT),
    "uri": (re.compile(r"\S+"), "a URI without spaces"),
    "url": (re.compile(r"\S+"), "a URL without spaces"),
    "canonical": (re.compile(r"\S+"), "a canonical URL without spaces"),
    "code": (re.compile(r"\S+(\s\S+)*"), "a code without space before, after or doubled inside"),
    "id": (
        re.compile(r"[A-Za-z0-9\-.]{1,64}"),
        "an id: 1 to 64 letters, digits, hyphens and full stops",
    ),
    "oid": (re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+"), "an OID such as urn:oid:1.2.3"),
    "uuid": (
        re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        "a UUID written urn:uuid: and small letters",
    ),
    "date": (re.compile(_DATE), "a date: YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": (
        re.compile(rf"{_DATE}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_TIME}{_ZONE}"),
        "a date, or a date and time with seconds and time zone (2026-01-31T09:30:00Z)",
    ),
    "instant": (
        re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_TIME}{_ZONE}"),
        "a date and time with seconds and time zone (2026-01-31T09:30:00Z)",
    ),
    "time": (re.compile(_TIME), "a time of day: hh:mm:ss"),
}
_DATED = {"date", "dateTime", "instant"}
_INTEGERS = {
    "integer": (-(2**31), "a whole number of at most 32 bits"),
    "unsignedInt": (0, "a whole number from 0"),
    "positiveInt": (1, "a whole number from 1"),
}


def is_blank(value: Any) -> bool:
    """Null, no characters but space, an empty list or an empty object: FHIR forbids them all."""
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def fault(type_name: str, value: Any) -> str:
    """What the value should have been, or an empty string when it is right."""
    if type_name in _INTEGERS:
        lowest, wanted = _INTEGERS[type_name]
        return "" if _is_int(value) and lowest <= value < 2**31 else wanted
    return _OTHERS.get(type_name, _fault_of_text)(type_name, value)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _fault_of_boolean(_type_name: str, value: Any) -> str:
    return "" if isinstance(value, bool) else "true or false, without quotation marks"


def _fault_of_decimal(_type_name: str, value: Any) -> str:
    is_number = isinstance(value, (float, Decimal)) or _is_int(value)
    return "" if is_number else "a number, without quotation marks"


def _fault_of_binary(_type_name: str, value: Any) -> str:
    wanted = "base64 text"
    if not isinstance(value, str):
        return wanted
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return wanted
    return ""


def _fault_of_text(type_name: str, value: Any) -> str:
    pattern, wanted = _PATTERNS[type_name]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        return wanted
    return wanted if type_name in _DATED and not _is_in_calendar(value) else ""


def _is_in_calendar(value: str) -> bool:
    full = _FULL_DATE.match(value)
    try:
        date.fromisoformat(full[0]) if full else date(int(value[:4]), 1, 1)
    except ValueError:
        return False
    return True


_OTHERS: dict[str, Callable[[str, Any], str]] = {
    "boolean": _fault_of_boolean,
    "decimal": _fault_of_decimal,
    "base64Binary": _fault_of_binary,
}
