"""Nothing is empty and nothing is converted: each primitive type in its written form."""

from typing import Any

import pytest

from tests.integrations.fhir.cast import a_patient, a_referral, check


@pytest.mark.parametrize("empty", [None, "", " \t\n", [], {}, "\u00a0"])
@pytest.mark.parametrize("name", ["birthDate", "name", "maritalStatus", "active"])
def test_an_empty_element_is_refused_once(name: str, empty: Any) -> None:
    assert check(a_patient(**{name: empty})) == [("invariant", f"Patient.{name}")]


@pytest.mark.parametrize("empty", [None, "", " ", [], {}])
def test_an_empty_member_of_an_array_is_refused(empty: Any) -> None:
    assert check(a_patient(name=[empty])) == [("invariant", "Patient.name[0]")]
    assert check(a_patient(name=[{"given": ["A", empty]}])) == [
        ("invariant", "Patient.name[0].given[1]")
    ]


def test_a_null_holds_the_place_of_a_value_that_has_an_extension_only() -> None:
    absent = {"extension": [{"url": "https://example.org/absent", "valueCode": "unknown"}]}

    assert check(a_patient(name=[{"given": ["A", None], "_given": [None, absent]}])) == []


def test_a_null_on_both_sides_is_refused() -> None:
    sent = a_patient(name=[{"given": ["A", None], "_given": [{"id": "x"}, None]}])

    assert check(sent) == [("invariant", "Patient.name[0].given[1]")]


def test_values_and_extensions_of_an_array_are_of_one_length() -> None:
    sent = a_patient(name=[{"given": ["A"], "_given": [None, {"id": "x"}]}])

    assert check(sent) == [("structure", "Patient.name[0].given")]


def test_a_null_beside_an_extension_of_one_value_is_refused() -> None:
    sent = a_patient(birthDate=None, _birthDate={"id": "x"})

    assert check(sent) == [("invariant", "Patient.birthDate")]


# JSON types and formats


@pytest.mark.parametrize("value", ["true", "yes", 1, 0, "1"])
def test_a_boolean_is_not_converted(value: Any) -> None:
    assert check(a_patient(active=value)) == [("value", "Patient.active")]


@pytest.mark.parametrize(
    "value",
    [1700000000, True, "1984-2-9", "84-02-09", "1984-02-30", "2023-02-29", "1984-13", "0000", "١٩٨٤",
     "1984-02-29T10:00:00Z", " 1984-02-29", "1984-02-29\n", "1984-02-29Z"],
)  # fmt: skip
def test_a_date_is_written_as_fhir_writes_it(value: Any) -> None:
    assert check(a_patient(birthDate=value)) == [("value", "Patient.birthDate")]


@pytest.mark.parametrize("value", ["1984", "1984-02", "2024-02-29", "2999-01-01"])
def test_a_date_may_be_partial(value: str) -> None:
    assert check(a_patient(birthDate=value)) == []


@pytest.mark.parametrize(
    "value",
    ["2026-11-01T09:00", "2026-11-01T09:00:00", "2026-11-01T24:00:00Z", "2026-11-31T09:00:00Z",
     "2026-11-01T09:00:00+15:00", "2026-11-01 09:00:00Z", "2026-11T09:00:00Z", 5],
)  # fmt: skip
def test_a_date_time_has_seconds_and_a_zone(value: Any) -> None:
    assert check(a_referral(authoredOn=value)) == [("value", "ServiceRequest.authoredOn")]


@pytest.mark.parametrize(
    "value",
    ["2026", "2026-11", "2026-11-01", "2026-11-01T09:00:60Z", "2026-11-01T09:00:00.1+14:00"],
)
def test_a_date_time_may_be_partial_or_a_leap_second(value: str) -> None:
    assert check(a_referral(authoredOn=value)) == []


@pytest.mark.parametrize("value", ["x" * 65, "a b", "a/b", "ä", "a_b", "a\n", 5])
def test_an_id_has_64_plain_characters_at_most(value: Any) -> None:
    assert check(a_patient(id=value)) == [("value", "Patient.id")]


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("valueInteger", "5"),
        ("valueInteger", 2**31),
        ("valueInteger", True),
        ("valuePositiveInt", 0),
        ("valueUnsignedInt", -1),
        ("valueDecimal", "0.4"),
        ("valueDecimal", False),
        ("valueString", 5),
        ("valueCode", "a  b"),
        ("valueCode", " a"),
        ("valueUri", "a b"),
        ("valueOid", "1.2.3"),
        ("valueUuid", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"),
        ("valueTime", "9:00"),
        ("valueInstant", "2026-11-01"),
        ("valueBase64Binary", "abc"),
        ("valueBase64Binary", 5),
    ],
)
def test_a_primitive_is_not_converted(element: str, value: Any) -> None:
    extension = {"url": "https://example.org/x", element: value}

    assert check(a_patient(extension=[extension])) == [("value", "Patient.extension[0].value")]


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("valueInteger", -(2**31)),
        ("valueDecimal", 5),
        ("valueDecimal", 0.5),
        ("valueOid", "urn:oid:1.2.3"),
        ("valueUuid", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
        ("valueTime", "09:00:00"),
        ("valueBase64Binary", "YW Jj\nZA=="),
        ("valueString", "x\ny"),
    ],
)
def test_a_primitive_of_the_right_form_is_taken(element: str, value: Any) -> None:
    assert check(a_patient(extension=[{"url": "https://example.org/x", element: value}])) == []
