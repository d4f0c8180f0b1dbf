"""Bad input at every address for machines: a clear refusal, nothing written, nothing received repeated."""

import json
from collections.abc import Callable
from io import BytesIO
from itertools import product
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import Client, RequestFactory

from config.fictional import Person, patient_resource
from tests import cast
from tests.api.answers import Answer, errors, issues, places, row_counts

REQUEST_ID = "6f1c2b1e-7a43-4c60-9a57-0b6e6a2c9f01"
CORRELATION_ID = "0a7e5d0c-11d2-4f4a-8a83-5f3d1f1f7a02"
IDS = {"X-Request-ID": REQUEST_ID, "X-Correlation-ID": CORRELATION_ID}
CANARY = "Canaryname"

ADDRESSES = {
    "ServiceRequest": "/fhir/R4/ServiceRequest",
    "Patient": "/fhir/R4/Patient",
    "Bundle": "/fhir/R4",
}

Resource = dict[str, Any]
Spoil = Callable[[Resource], bytes]

pytestmark = pytest.mark.django_db


def good(resource_type: str, person: Person) -> Resource:
    """A resource that would be taken, with a name in it that no answer may repeat."""
    patient = patient_resource(person)
    patient["name"][0]["family"] = CANARY
    referral = cast.referral_for(person)
    referral["contained"][0]["name"][0]["family"] = CANARY
    entry = {"resource": patient, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    return {"ServiceRequest": referral, "Patient": patient, "Bundle": bundle}[resource_type]


def dumped(resource: object) -> bytes:
    return json.dumps(resource).encode()


def assert_refused(answer: Answer, status: int, person: Person) -> set[tuple[str, str]]:
    """An OperationOutcome with the request's ids that repeats nothing of the person."""
    found = issues(answer, status)
    assert answer["X-Request-ID"] == REQUEST_ID
    assert answer["X-Correlation-ID"] == CORRELATION_ID
    text = answer.content.decode()
    for received in (CANARY, person.nhs_number, person.phone, person.birth_date.isoformat()):
        assert received not in text
    return places(found)


def deep(resource: Resource, levels: int) -> bytes:
    """The resource with an extension that many levels deep."""
    text = dumped(resource)[:-1].decode()
    inner = '{"url":"x","valueString":"y"}'
    nested = '{"url":"x","extension":[' * levels + inner + "]}" * levels
    return f'{text},"extension":[{nested}]}}'.encode()


def with_member(resource: Resource, member: str) -> bytes:
    """The resource with a member as raw JSON text."""
    return dumped(resource)[:-1] + f",{member}}}".encode()


def not_json() -> dict[str, Spoil]:
    """Bodies that are no JSON object that could be stored and given back as it came."""
    return {
        "empty": lambda _: b"",
        "only space": lambda _: b" \n ",
        "cut short": lambda resource: dumped(resource)[:-1],
        "more after the end": lambda resource: dumped(resource) + b"{}",
        "an array": lambda resource: dumped([resource]),
        "a text": lambda _: b'"x"',
        "a number": lambda _: b"1",
        "null": lambda _: b"null",
        "an object without a type": lambda _: b"{}",
        "single quotes": lambda _: b"{'resourceType': 'Patient'}",
        "a trailing comma": lambda resource: dumped(resource)[:-1] + b",}",
        "a comment": lambda resource: dumped(resource) + b"// x",
        "a byte order mark": lambda resource: b"\xef\xbb\xbf" + dumped(resource),
        "UTF-16": lambda resource: json.dumps(resource).encode("utf-16"),
        "Latin-1": lambda resource: (
            with_member(resource, '"language":"é"').decode().encode("latin-1")
        ),
        "NUL as such": lambda resource: dumped(resource).replace(CANARY.encode(), b"a\x00b"),
        "NUL as an escape": lambda resource: dumped(resource).replace(
            CANARY.encode(), b"a\\u0000b"
        ),
        "NUL in a name": lambda resource: with_member(resource, '"a\\u0000b":1'),
        "half a surrogate pair": lambda resource: dumped(resource).replace(
            CANARY.encode(), b"a\\ud800b"
        ),
        "NaN": lambda resource: with_member(resource, '"multipleBirthInteger":NaN'),
        "Infinity": lambda resource: with_member(resource, '"multipleBirthInteger":-Infinity'),
        "an exponent beyond all bounds": lambda resource: with_member(
            resource, '"x":1e9999999999999'
        ),
        "an integer of 5000 digits": lambda resource: with_member(resource, f'"x":{"9" * 5000}'),
        "the type twice": lambda resource: with_member(resource, '"resourceType":"Patient"'),
        "a name twice below": lambda resource: with_member(
            resource, '"meta":{"source":"x","source":"y"}'
        ),
        "33 levels": lambda resource: deep(resource, 17),
        "200 levels": lambda resource: deep(resource, 200),
        "100,000 levels": lambda _: b"[" * 100_000,
        "100,000 closed levels": lambda _: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    }


def not_fhir() -> dict[str, Spoil]:
    """JSON that R4 does not allow."""
    return {
        "another type": lambda _: dumped({"resourceType": "Observation", "status": "final"}),
        "an unknown type": lambda _: dumped({"resourceType": "Prescription"}),
        "a type that is no text": lambda _: dumped({"resourceType": ["Patient"]}),
        "an unknown element": lambda resource: dumped({**resource, "colour": "red"}),
        "an element with no FHIR name": lambda resource: dumped({**resource, f"x {CANARY}": 1}),
        "null": lambda resource: dumped({**resource, "language": None}),
        "an empty text": lambda resource: dumped({**resource, "language": ""}),
        "an empty list": lambda resource: dumped({**resource, "extension": []}),
        "an empty object": lambda resource: dumped({**resource, "meta": {}}),
        "a list for an object": lambda resource: dumped({**resource, "meta": [{"source": "x"}]}),
        "an object for a text": lambda resource: dumped({**resource, "language": {"x": CANARY}}),
        "a 65-character id": lambda resource: dumped({**resource, "id": "x" * 65}),
        "an id with a slash": lambda resource: dumped({**resource, "id": "../x"}),
        "an id with a line break": lambda resource: dumped({**resource, "id": "x\n"}),
        "a wrong instant": lambda resource: dumped({**resource, "meta": {"lastUpdated": CANARY}}),
        "an instant without a zone": lambda resource: dumped(
            {**resource, "meta": {"lastUpdated": "2026-01-01T00:00:00"}}
        ),
    }


BAD_BODIES = not_json() | not_fhir()


@pytest.mark.parametrize("resource_type", ADDRESSES)
def test_bad_bodies_are_refused_whatever_is_wrong(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str
) -> None:
    """One test for all bodies, so that the sign-in and the counting of rows are paid for once."""
    gp_system.sign_in()
    before = row_counts()

    for name, spoil in BAD_BODIES.items():
        answer = gp_system.http.generic(
            "POST",
            ADDRESSES[resource_type],
            spoil(good(resource_type, person)),
            headers={**IDS, "Authorization": f"Bearer {gp_system.token}"},
            CONTENT_TYPE=cast.FHIR_JSON,  # the test client leaves it out of an empty request
        )

        assert answer.status_code == 400, f"{name}: {answer.content.decode()}"
        assert_refused(answer, 400, person)
    assert row_counts() == before


def _ids() -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in IDS.items()}


@pytest.mark.parametrize("resource_type", ADDRESSES)
def test_an_extension_with_nothing_in_it_is_refused(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str
) -> None:
    resource = {**good(resource_type, person), "meta": {"extension": [{"url": "x"}]}}

    answer = gp_system.post(ADDRESSES[resource_type], resource, **_ids())

    place = f"{resource_type}.meta.extension[0]"
    assert assert_refused(answer, 422, person) == {("invariant", place)}


CODES = {
    "status": ("ServiceRequest", {"status": "activ"}, "ServiceRequest.status"),
    "intent": ("ServiceRequest", {"intent": "Order"}, "ServiceRequest.intent"),
    "priority": ("ServiceRequest", {"priority": "high"}, "ServiceRequest.priority"),
    "gender": ("Patient", {"gender": "F"}, "Patient.gender"),
    "type": ("Bundle", {"type": "transactions"}, "Bundle.type"),
}


@pytest.mark.parametrize(("resource_type", "change", "place"), CODES.values(), ids=CODES)
def test_a_code_outside_its_value_set_is_refused(
    gp_system: cast.ClinicalSystem,
    person: Person,
    resource_type: str,
    change: Resource,
    place: str,
) -> None:
    resource = {**good(resource_type, person), **change}

    answer = gp_system.post(ADDRESSES[resource_type], resource, **_ids())

    assert assert_refused(answer, 422, person) == {("code-invalid", place)}


@pytest.mark.parametrize("resource_type", ADDRESSES)
def test_a_fault_is_placed_where_it_is(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str
) -> None:
    resource = {**good(resource_type, person), "colour": "red"}

    answer = gp_system.post(ADDRESSES[resource_type], resource, **_ids())

    assert assert_refused(answer, 400, person) == {("structure", f"{resource_type}.colour")}


# Headers

WRONG_TYPES = (
    "text/plain",
    "text/html",
    "application/xml",
    "application/fhir+xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/fhir+jsonx",
    "application/json-patch+json",
    "/",
    "é",
    "",
)


@pytest.mark.parametrize("content_type", WRONG_TYPES)
@pytest.mark.parametrize("resource_type", ADDRESSES)
def test_only_json_is_read(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str, content_type: str
) -> None:
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post(
        ADDRESSES[resource_type],
        good(resource_type, person),
        Content_Type=content_type,
        **_ids(),
    )

    assert_refused(answer, 415, person)
    assert row_counts() == before


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+json; charset=utf-8",
        "Application/FHIR+JSON;fhirVersion=4.0",
        "application/json",
    ],
)
def test_json_is_read_under_its_other_names(
    gp_system: cast.ClinicalSystem, person: Person, content_type: str
) -> None:
    answer = gp_system.post(
        "/fhir/R4/ServiceRequest", good("ServiceRequest", person), Content_Type=content_type
    )

    assert answer.status_code == 201, answer.content


@pytest.mark.parametrize(
    "accept", ["application/xml", "application/fhir+xml", "text/html", "image/*", "x", "/", ";"]
)
@pytest.mark.parametrize("resource_type", ADDRESSES)
def test_what_cannot_be_answered_is_not_done(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str, accept: str
) -> None:
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post(
        ADDRESSES[resource_type], good(resource_type, person), Accept=accept, **_ids()
    )

    assert_refused(answer, 406, person)
    assert row_counts() == before


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/fhir+json"),
        ("application/fhir+json", "application/fhir+json"),
        ("application/json", "application/json"),
        ("application/fhir+xml, application/fhir+json;q=0.5", "application/fhir+json"),
        ("text/html, application/*", "application/fhir+json"),
    ],
)
def test_the_answer_is_in_the_type_asked_for(
    gp_system: cast.ClinicalSystem, person: Person, accept: str, content_type: str
) -> None:
    answer = gp_system.post(
        "/fhir/R4/ServiceRequest", good("ServiceRequest", person), Accept=accept
    )

    assert answer.status_code == 201, answer.content
    assert answer["Content-Type"].partition(";")[0] == content_type


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("value", ["x" * 101, "é", "a\tb"])
def test_an_id_that_could_do_harm_is_not_echoed(name: str, value: str, stranger: Client) -> None:
    answer = stranger.get("/fhir/R4/metadata", headers={name: value})

    assert answer.status_code == 200
    assert not answer.has_header(name)


# Sizes


@pytest.mark.parametrize("resource_type", ADDRESSES)
def test_a_body_of_more_than_a_mebibyte_is_not_read(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str
) -> None:
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.http.generic(
        "POST",
        ADDRESSES[resource_type],
        b"{}",
        content_type=cast.FHIR_JSON,
        headers={**IDS, "Authorization": f"Bearer {gp_system.token}"},
        CONTENT_LENGTH=str(settings.LARGEST_BODY + 1),
        **_input(Unreadable()),
    )

    assert_refused(answer, 413, person)
    assert row_counts() == before


def _input(stream: BytesIO) -> dict[str, Any]:
    """What the WSGI server would hand over."""
    return {"wsgi.input": stream}


class Unreadable(BytesIO):
    """A body that must not be touched."""

    def read(self, _size: int | None = -1, /) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("resource_type", ADDRESSES)
def test_a_body_in_chunks_is_never_taken_for_an_empty_one(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str
) -> None:
    answer = gp_system.post(
        ADDRESSES[resource_type],
        good(resource_type, person),
        Transfer_Encoding="chunked",
        **_ids(),
    )

    assert_refused(answer, 411, person)


@pytest.mark.parametrize(
    ("length", "status"),
    [("0", 400), ("10", 400), ("-1", 400), ("1e3", 400), ("9" * 30, 413), ("4000", 400)],
)
@pytest.mark.parametrize("resource_type", ADDRESSES)
def test_a_content_length_that_lies_is_refused(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str, length: str, status: int
) -> None:
    gp_system.sign_in()
    before = row_counts()
    whole = dumped(good(resource_type, person))
    cut_short = whole[:200] if length == "4000" else whole

    answer = gp_system.http.generic(
        "POST",
        ADDRESSES[resource_type],
        whole,
        content_type=cast.FHIR_JSON,
        headers={**IDS, "Authorization": f"Bearer {gp_system.token}"},
        CONTENT_LENGTH=length,
        **_input(BytesIO(cut_short)),
    )

    assert_refused(answer, status, person)
    assert row_counts() == before


def test_a_body_of_just_a_mebibyte_is_read(gp_system: cast.ClinicalSystem, person: Person) -> None:
    resource = good("ServiceRequest", person)
    resource["note"] = [{"text": "x"}]
    room = settings.LARGEST_BODY - len(dumped(resource))
    resource["note"][0]["text"] = "x" * (room + 1)

    answer = gp_system.post("/fhir/R4/ServiceRequest", resource)

    assert answer.status_code == 201
    assert len(dumped(resource)) == settings.LARGEST_BODY


# Addresses and methods

UNKNOWN = (
    "/fhir",
    "/fhir/",
    "/fhir/R5/Patient",
    "/fhir/r4/Patient",
    "/fhir/R4/patient",
    "/fhir/R4/Observation",
    "/fhir/R4/ServiceRequest/",
    "/fhir/R4/ServiceRequest/1/2/3",
    "/fhir/R4/%F0%28%8C",
    "/fhir/R4/" + "x" * 3000,
    "/fhir/R4/..%2f..%2fetc",
)


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_address_that_is_not_served_says_so(
    gp_system: cast.ClinicalSystem, person: Person, method: str, path: str
) -> None:
    answer = gp_system.http.generic(method, path, b"{}", content_type=cast.FHIR_JSON, headers=IDS)

    assert_refused(answer, 404, person)


NO_IDS = ("x" * 65, "1", "%0A", "a b", "é", "..", "null", "{id}", "urn:uuid:x")


@pytest.mark.parametrize("bad_id", NO_IDS)
@pytest.mark.parametrize("resource_type", ["ServiceRequest", "Patient", "Task"])
def test_what_is_no_id_is_not_found(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str, bad_id: str
) -> None:
    for path in (f"{resource_type}/{bad_id}", f"{resource_type}/{bad_id}/_history/1"):
        answer = gp_system.get(f"/fhir/R4/{path}", **_ids())

        assert_refused(answer, 404, person)


WRONG_METHODS = [
    *product(("PUT", "PATCH", "DELETE", "FOO"), ADDRESSES.values()),
    *product(("POST", "DELETE", "FOO"), ["/fhir/R4/Patient/{id}", "/fhir/R4/Task/{id}"]),
    *product(("POST", "DELETE"), ["/fhir/R4/ServiceRequest/{id}"]),
    *product(("POST", "PUT", "PATCH", "DELETE"), ["/fhir/R4/ServiceRequest/{id}/_history/1"]),
    *product(("POST", "PUT", "PATCH", "DELETE"), ["/fhir/R4/ServiceRequest/{id}/_history"]),
    *product(("GET", "PUT", "PATCH", "DELETE"), ["/fhir/R4/Task/_search"]),
    *product(("POST", "PUT", "PATCH", "DELETE"), ["/fhir/R4/Provenance", "/fhir/R4/AuditEvent"]),
    *product(("POST", "DELETE"), ["/fhir/R4/metadata"]),
]


@pytest.mark.parametrize(("method", "path"), WRONG_METHODS)
def test_a_method_that_is_not_possible_says_so(
    gp_system: cast.ClinicalSystem, person: Person, method: str, path: str
) -> None:
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.http.generic(
        method,
        path.format(id=uuid4()),
        dumped(good("Patient", person)),
        content_type=cast.FHIR_JSON,
        headers={**IDS, "Authorization": f"Bearer {gp_system.token}"},
    )

    assert answer.status_code == 405
    assert answer["Allow"]
    assert answer["X-Request-ID"] == REQUEST_ID
    if method != "HEAD":
        assert_refused(answer, 405, person)
    assert row_counts() == before


# The same for the addresses outside FHIR

EVENTS_BODIES: dict[str, tuple[bytes, int]] = {
    "only space": (b" ", 400),
    "cut short": (b'[{"id":', 400),
    "a text": (b'"x"', 422),
    "a number": (b"1", 422),
    "an empty batch": (b"[]", 400),
    "not UTF-8": (b'["\xff"]', 401),  # a signature is over text
    "half a surrogate pair": (b'[{"id":"\\ud800"}]', 400),
    "NaN": (b"[NaN]", 400),
    "100,000 levels": (b"[" * 100_000, 400),
    "100,000 closed levels": (b"[" * 100_000 + b"]" * 100_000, 400),
}


@pytest.mark.parametrize(("body", "status"), EVENTS_BODIES.values(), ids=EVENTS_BODIES)
def test_a_signed_body_that_is_no_batch_is_refused(
    community: cast.Community, body: bytes, status: int
) -> None:
    answer = signed_raw(community, body)

    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    if status != 422:
        errors(answer, status)


def signed_raw(community: cast.Community, body: bytes) -> Answer:
    """Sign the body as text where it is text."""
    try:
        body.decode()
    except UnicodeDecodeError:
        path = f"/api/events/{community.key.pk}"
        return community.http.post(path, body, content_type=cast.BATCH)
    return community.send(body)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/json", ""])
def test_events_come_as_cloudevents_only(community: cast.Community, content_type: str) -> None:
    before = row_counts()

    errors(community.send(b"[]", content_type=content_type), 415)

    assert row_counts() == before


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({"CONTENT_LENGTH": str(settings.LARGEST_BODY + 1)}, 413),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"CONTENT_LENGTH": "many"}, 400),
        ({"HTTP_ACCEPT": "application/xml"}, 406),
    ],
    ids=["too large", "in chunks", "of no length", "to be answered in XML"],
)
def test_requests_that_must_not_be_read_are_refused_everywhere(
    community: cast.Community, extra: dict[str, Any], status: int
) -> None:
    before = row_counts()

    answer = community.http.generic(
        "POST",
        f"/api/events/{community.key.pk}",
        b"[]",
        content_type=cast.BATCH,
        headers=IDS,
        **extra,
    )

    errors(answer, status)
    assert answer["X-Request-ID"] == REQUEST_ID
    assert row_counts() == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *product(("GET", "PUT", "PATCH", "DELETE", "FOO"), ["/api/events/{key}"], [405]),
        *product(("GET", "POST"), ["/api/events/1", "/api/events/", "/api", "/api/x"], [404]),
        *product(("POST", "PUT", "DELETE", "FOO"), ["/api/conditions"], [405]),
        ("GET", "/api/measures/funnel", 401),
        ("GET", "/api/measures/funnel.csv", 401),
        ("GET", "/api/measures/", 404),
        ("GET", "/oauth2/", 404),
    ],
)
def test_errors_outside_fhir_are_json(
    community: cast.Community, method: str, path: str, status: int
) -> None:
    answer = community.http.generic(method, path.format(key=community.key.pk), headers=IDS)

    errors(answer, status)
    assert answer["X-Correlation-ID"] == CORRELATION_ID


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "FOO"])
@pytest.mark.parametrize("path", ["/api/measures/funnel", "/api/measures/funnel.csv"])
def test_figures_can_only_be_read(commissioner: Client, method: str, path: str) -> None:
    errors(commissioner.generic(method, path), 405)


@pytest.mark.parametrize("icb", ["x" * 3000, "%F0%28", "QMF&icb=QE1", "QE1", "qmf", "%27"])
@pytest.mark.parametrize("path", ["/api/measures/funnel", "/api/measures/funnel.csv"])
def test_figures_of_what_is_not_theirs_are_not_found(
    commissioner: Client, path: str, icb: str
) -> None:
    errors(commissioner.get(f"{path}?icb={icb}"), 404)


@pytest.mark.parametrize("path", ["metadata", "Nothing", "Patient/9990000018"])
def test_head_is_answered_with_the_headers_alone(path: str) -> None:
    start = Mock()

    sent = b"".join(
        get_wsgi_application()(RequestFactory().head(f"/fhir/R4/{path}").environ, start)
    )

    got = Client().get(f"/fhir/R4/{path}")
    assert start.call_args.args[0] == f"{got.status_code} {got.reason_phrase}"
    assert sent == b""
