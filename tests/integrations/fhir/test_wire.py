"""JSON on the wire: strict in, exact out."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from integrations.fhir import wire
from tests.integrations.fhir.cast import refusal, verdict

EXAMPLES = Path(__file__).parents[4] / "shared" / "fhir-examples"


def _as_written(text: bytes | str) -> Any:
    """An independent reading that keeps every number's text."""
    return json.loads(text, parse_float=lambda t: ("n", t), parse_int=lambda t: ("n", t))


@pytest.mark.parametrize(
    "number",
    ["0.40", "1.50e3", "1E400", "-0", "-0.0", "0", "12345678901234567890123", "1e-7", "100.0",
     "9223372036854775807", "18446744073709551616", "-9223372036854775808", "0E-8"],
)  # fmt: skip
def test_numbers_leave_exactly_as_they_came(number: str) -> None:
    body = f'{{"value":{number}}}'.encode()

    assert wire.dump(wire.parse(body)) == body


def test_text_leaves_as_it_came() -> None:
    body = '{"a":"żółw 🐢 \\n \\" \\\\ /","b":[null,true,false,{"c":[]}]}'.encode()

    assert wire.dump(wire.parse(body)) == body


def test_a_pair_of_surrogate_escapes_is_one_character() -> None:
    assert wire.parse(rb'{"a":"\ud83d\udc22"}') == {"a": "🐢"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"[]", "one JSON object"),
        (b"null", "one JSON object"),
        (b'"Patient"', "one JSON object"),
        (b"{", "well-formed"),
        (b"{} {}", "well-formed"),
        (b'{"a":01}', "well-formed"),
        (b'{"a":1,}', "well-formed"),
        (b"{'a':1}", "well-formed"),
        (b'{"a":"\n"}', "well-formed"),
        (b'{"a":"\x00"}', "well-formed"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a":"\xff"}', "UTF-8"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        (rb'{"a":"x\u0000y"}', "NUL"),
        (rb'{"a\u0000":1}', "NUL"),
        (rb'{"a":["\ud83d"]}', "surrogate"),
        (rb'{"a":{"b":"\udc22"}}', "surrogate"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":Infinity}', "NaN"),
        (b'{"a":-Infinity}', "NaN"),
        (b'{"a":1e99999999999999999999999}', "exponent"),
        (b'{"id":"1","id":"2"}', '"id" appears twice'),
        (b'{"a":{"9990000018":1,"9990000018":2}}', "A name appears twice"),
        (b"[" * 100_000, "levels deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "levels deep"),
    ],
)
def test_a_body_that_is_not_strict_json_is_refused(body: bytes, said: str) -> None:
    refused = refusal(lambda: wire.parse(body))

    assert refused.status == 400
    assert said in refused.findings[0].text
    assert refused.findings[0].details == "REC_BAD_REQUEST"


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    refused = refusal(lambda: wire.parse(b'{"nhs": 9990000018, "9990000018": 1, "9990000018"'))

    assert "9990000018" not in str(refused)


def test_32_levels_are_read() -> None:
    body = b'{"a":' * 32 + b"1" + b"}" * 32

    assert wire.dump(wire.parse(body)) == body


def test_brackets_in_strings_are_not_levels() -> None:
    body = json.dumps({"a": "[" * 500 + '\\"{' * 500}).encode()

    assert wire.parse(body)


def test_a_body_over_the_limit_is_413() -> None:
    refused = refusal(lambda: wire.parse(b" " * (wire.MAX_BYTES + 1)))

    assert refused.status == 413
    assert refused.findings[0].code == "too-long"


@pytest.mark.parametrize(
    "body",
    [
        b'{"' + rb"\"" * (wire.MAX_BYTES // 2 - 8),
        b'{"' + b"\\" * (wire.MAX_BYTES - 8),
        b'{"a":' + b"9" * (wire.MAX_BYTES - 16) + b"}",
        b"{" + b",".join(b'"%d":1' % i for i in range(80_000)) + b',"7":1}',
        b'"' * wire.MAX_BYTES,
    ],
    ids=["escaped quotes", "backslashes", "one long number", "many names", "quotes"],
)
def test_a_hostile_body_is_read_or_refused_in_linear_time(body: bytes) -> None:
    begun = time.process_time()  # not the clock on the wall: the machine may be busy

    verdict(lambda: wire.parse(body))

    # A reading that goes over the megabyte again for each character takes hours.
    assert time.process_time() - begun < 10


@pytest.mark.skipif(not EXAMPLES.exists(), reason="../shared/fhir-examples is absent")
def test_every_published_example_survives_the_round_trip() -> None:
    files = sorted(EXAMPLES.glob("*/*.json"))

    assert files
    for file in files:
        body = file.read_bytes()
        assert _as_written(wire.dump(wire.parse(body))) == _as_written(body), file
