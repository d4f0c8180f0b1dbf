"""Ways to break a request: what a careless sender, a broken one and a hostile one might make of a good document."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

Place = tuple[Any, Any]  # what holds a value, and under which name or at which index

HUGE = 10**400
NASTY: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**31, 2**63, HUGE, 1e308, "", " ", "\t", "null", "0", [], {}, [[]], [None], {"": ""},
    "\0", "a\0b", "\ud800", "\udfff\ud800", "\u202e\u2066", "\ufeff", "🏳️‍🌈" * 50, "e\u0301", "ﷺ" * 300, "x" * 70, "x" * 70_000,
    "'; DROP TABLE referrals_referral; --", "<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x}", "../../etc/passwd",
    "=cmd|' /C calc'!A0", "%s%n", "%00", "\\", '"', "#", "#patient", "#missing", "Patient/1", "Patient/" + "a" * 65,
    "urn:uuid:00000000-0000-0000-0000-000000000000", "http://127.0.0.1:1/fhir/R4/Patient/1", "ServiceRequest?identifier=x",
    "2026-02-30", "2026", "9999-12-31", "0000-01-01", "0001-01-01T00:00:00+14:00", "2026-01-01T23:59:60Z", "1e400", "٠١٢٣", "\uff19\uff19\uff19",
    "9990000018", "9990000019", "https://fhir.nhs.uk/Id/nhs-number", "active", "revoked", "Patient", "ServiceRequest", "Bundle",
    {"resourceType": "Patient"}, {"reference": "#patient"}, {"extension": [{"url": "x", "valueString": "y"}]},
]  # fmt: skip
NAMES = [
    "id", "meta", "text", "div", "status", "contained", "extension", "modifierExtension", "_status", "subject", "reference",
    "identifier", "system", "value", "coding", "code", "name", "given", "_given", "entry", "resource", "request", "fullUrl",
    "birthDate", "reasonCode", "note", "__proto__", "resourceType", "occurrenceDateTime", "valueDecimal", "", "a.b", "\0",
]  # fmt: skip


def mutated(document: Any, chance: random.Random) -> Any:
    """A copy with up to four places changed, mostly one."""
    changed = deepcopy(document)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 1, 2, 4))):
        places = list(_places(changed))
        if not places:
            return chance.choice(NASTY)
        holder, key = chance.choice(places)
        chance.choice(_CHANGES)(holder, key, chance)
    return changed


def _places(value: Any) -> list[Place]:
    found: list[Place] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        items: list[Any] = []
        if isinstance(holder, dict):
            items = list(holder.items())
        elif isinstance(holder, list):
            items = list(enumerate(holder))
        found += [(holder, key) for key, _ in items]
        waiting += [inner for _, inner in items]
    return found


def _replace(holder: Any, key: Any, chance: random.Random) -> None:
    holder[key] = deepcopy(chance.choice(NASTY))


def _remove(holder: Any, key: Any, _chance: random.Random) -> None:
    del holder[key]


def _repeat(holder: Any, key: Any, chance: random.Random) -> None:
    holder[key] = [deepcopy(holder[key]) for _ in range(chance.choice((2, 3, 40)))]


def _wrap(holder: Any, key: Any, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 2, 29, 40))):
        holder[key] = chance.choice(([holder[key]], {"extension": [holder[key]]}))


def _add(holder: Any, _key: Any, chance: random.Random) -> None:
    value = deepcopy(chance.choice(NASTY))
    if isinstance(holder, list):
        holder.append(value)
    else:
        holder[chance.choice(NAMES)] = value


def _rename(holder: Any, key: Any, chance: random.Random) -> None:
    if isinstance(holder, dict):
        holder[chance.choice(NAMES)] = holder.pop(key)


def _spoil(holder: Any, key: Any, chance: random.Random) -> None:
    """Change a text a little."""
    if isinstance(holder[key], str) and holder[key]:
        place = chance.randrange(len(holder[key]))
        holder[key] = (
            holder[key][:place]
            + chance.choice(("", "\0", "\u0130", "\n", "%"))
            + holder[key][place + 1 :]
        )


_CHANGES: list[Callable[[Any, Any, random.Random], None]] = [
    _replace, _replace, _remove, _repeat, _wrap, _add, _rename, _spoil,
]  # fmt: skip


def as_bytes(document: Any, chance: random.Random) -> bytes:
    """JSON, mostly as it should be written, sometimes not."""
    body = json.dumps(document).encode()
    if chance.random() < 0.7:
        return body
    return chance.choice(_SPOILERS)(body, chance)


def _cut(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _flip(body: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(body))
    return body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]


def _double_name(body: bytes, _chance: random.Random) -> bytes:
    return body.replace(b"{", b'{"resourceType":"Patient",', 1)


def _deep(body: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((33, 1_000, 100_000))
    return (
        chance.choice(
            (b"[" * depth, b'{"a":' * depth, b'{"a":' + b"[" * depth + b"]" * depth + b"}")
        )
        + body[:5]
    )


def _constant(body: bytes, chance: random.Random) -> bytes:
    odd = chance.choice(
        (b"NaN", b"-Infinity", b"1e999999999", b"-0", b"0x1", b"1" * 5_000, b"1." + b"0" * 5_000)
    )
    return body.replace(b'"active"', odd, 1)


_SPOILERS: list[Callable[[bytes, random.Random], bytes]] = [
    _cut, _cut, _flip, _flip, _double_name, _deep, _constant,
    lambda body, _chance: b"",
    lambda body, _chance: b" \r\n",
    lambda body, _chance: b"\xef\xbb\xbf" + body,
    lambda body, _chance: body.decode().encode("utf-16"),
    lambda body, _chance: body + b"\x00",
    lambda body, _chance: body + body,
    lambda body, _chance: body.replace(b"a", b"\xff", 1),
    lambda body, _chance: body.replace(b'"', b'"\\ud800', 1),
    lambda body, _chance: b"[" + body + b"]",
    lambda body, _chance: b"<Patient xmlns='http://hl7.org/fhir'/>",
]  # fmt: skip
