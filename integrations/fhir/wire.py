"""JSON on the wire: strict in, and out again with every number exactly as it was written."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

from integrations.fhir.outcome import Refused, malformed

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32

# One pass over strings and brackets. Every alternative always matches, and the quantifiers are
# possessive, so that a hostile body cannot make the search go back over what it has read.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.?)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ELEMENT_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")
_LONGEST_INT = len(str(2**63 - 1))


class Number(Decimal):
    """A JSON number that remembers its text: ``0.40`` is not ``0.4`` in a measurement."""

    text: str

    def __new__(cls, text: str) -> "Number":
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __deepcopy__(self, _memo: object) -> "Number":
        return self  # Decimal would make a copy without its text


def parse(body: bytes) -> dict[str, Any]:
    """Read a request body; anything but one well-formed JSON object is Refused (400, or 413)."""
    resource = _read(body)
    if not isinstance(resource, dict):
        _refuse("The body must be one JSON object: a FHIR resource.")
    return resource


def parse_list(body: bytes) -> list[Any]:
    """Read a request body that is a JSON array, such as a JSON Patch; anything else is Refused."""
    members = _read(body)
    if not isinstance(members, list):
        _refuse("The body must be a JSON array.")
    return members


def _read(body: bytes) -> Any:
    if len(body) > MAX_BYTES:
        text = f"The body is larger than {MAX_BYTES} bytes. Send less in one request."
        raise Refused(413, [malformed("too-long", text)])
    if not body.strip():
        _refuse("The body is empty. Send JSON.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("The body is not UTF-8.")
    if text.startswith("\ufeff"):
        _refuse("The body begins with a byte order mark. Send plain UTF-8.")
    _refuse_deep(text)
    value = load(text)
    if any(_UNSTORABLE.search(string) for string in _strings(value)):
        _refuse("A string holds a NUL character or half of a surrogate pair.")
    return value


def load(text: str) -> Any:
    """JSON text as Python values, numbers as written; for stored documents, so without limits."""
    try:
        return json.loads(
            text,
            parse_float=_number,
            parse_int=_whole_number,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        _refuse(f"The body is not well-formed JSON ({place}).")


def refuse_beyond_limits(value: Any) -> None:
    """Refuse what was made here and could not have been sent: larger, or nested deeper."""
    try:
        text = dump(value)
    except TypeError:
        _refuse(f"The JSON is nested more than {MAX_DEPTH} levels deep.", "too-long")
    if len(text) > MAX_BYTES:
        sentence = f"The resource would be larger than {MAX_BYTES} bytes."
        raise Refused(413, [malformed("too-long", sentence)])
    _refuse_deep(text.decode())


def dump(resource: Any, *, is_pretty: bool = False) -> bytes:
    """UTF-8 JSON, compact or for human eyes."""
    return orjson.dumps(
        resource, default=_as_written, option=orjson.OPT_INDENT_2 if is_pretty else 0
    )


def _refuse(text: str, code: str = "structure") -> NoReturn:
    raise Refused(400, [malformed(code, text)])


def _refuse_deep(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
        elif first in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            _refuse(f"The JSON is nested more than {MAX_DEPTH} levels deep.", "too-long")


def _number(text: str) -> Number:
    try:
        return Number(text)
    except InvalidOperation:
        _refuse("A number has an exponent that is out of all bounds.", "value")


def _whole_number(text: str) -> int | Number:
    # "-0" and what does not fit 64 bits would not come out again as it came in.
    if text == "-0" or len(text) >= _LONGEST_INT:
        return _number(text)
    return int(text)


def _constant(_name: str) -> NoReturn:
    _refuse("NaN and Infinity are not JSON.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        named = f'"{name}"' if _ELEMENT_NAME.fullmatch(name) else "A name"
        _refuse(f"{named} appears twice in one JSON object.")
    return members


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)


def _as_written(value: object) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is not JSON")
