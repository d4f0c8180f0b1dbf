"""Which contact details are used, and when a patient has none that can be."""

from typing import Any

import pytest

from integrations.fhir import contacts, patient
from tests.integrations.fhir.cast import a_patient, places, refusal

GOOD = "07700 900123"


def with_(*telecom: tuple[str, str]) -> dict[str, Any]:
    """A patient with these contact details, in this order of preference."""
    return a_patient(telecom=[{"system": system, "value": value} for system, value in telecom])


@pytest.mark.parametrize(
    "phone",
    ["07700 900123", "+44 7700 900123", "+44 (0)7700 900 123", "020 7946 0000", "(0131) 496-0000",
     "07700900999", "1632960", "0808 157 0000"],
)  # fmt: skip
def test_a_phone_number_is_taken_as_it_was_written(phone: str) -> None:
    assert patient.read(with_(("phone", phone))).phone == phone


UNUSABLE_PHONES = ["not a phone", "5" * 5000, "1", "123456", "(((())))", "07700 900123 ext 4",
                   "07700\n900123", "07700\u00a0900123", "٠٧٧٠٠٩٠٠١٢٣", "+44 7700 900123 900123",
                   "07700 900123;07700 900124"]  # fmt: skip


@pytest.mark.parametrize("phone", UNUSABLE_PHONES)
def test_what_is_no_phone_number_is_passed_over_for_the_next(phone: str) -> None:
    sent = with_(("phone", phone), ("phone", GOOD))
    sent["telecom"][0]["use"] = "mobile"

    assert patient.read(sent).phone == GOOD


@pytest.mark.parametrize(
    "email", ["rowan@example.org", "r.o'w+an@mail.example.co.uk", "rowan@straße.example"]
)
def test_an_email_address_is_taken_as_it_was_written(email: str) -> None:
    assert patient.read(with_(("email", email))).email == email


UNUSABLE_EMAILS = ["rowan", "rowan@", "@mail.example", "rowan@localhost", "a@b@example.org",
                   "a@b\r\nBcc: x@y.example", "a@b.example\nx", "ro wan@example.org", "rowan@.org",
                   "rowan@example..org", "Rowan <rowan@example.org>", "a@b.example,c@d.example",
                   f"rowan@{'x' * 250}.org", "ro\x00wan@example.org"]  # fmt: skip


@pytest.mark.parametrize("email", UNUSABLE_EMAILS)
def test_what_is_no_email_address_is_passed_over_for_the_next(email: str) -> None:
    sent = with_(("email", email), ("email", "rowan@example.org"))

    assert patient.read(sent).email == "rowan@example.org"


@pytest.mark.parametrize(
    ("system", "value"),
    [
        *(("phone", phone) for phone in UNUSABLE_PHONES),
        *(("sms", phone) for phone in UNUSABLE_PHONES),
        *(("email", email) for email in UNUSABLE_EMAILS),
    ],
)
def test_a_patient_who_can_be_reached_by_none_is_refused(system: str, value: str) -> None:
    refused = refusal(lambda: patient.read(with_((system, value))))

    assert refused.status == 422
    assert places(refused.findings) == [("value", "Patient.telecom")]
    assert value not in str(refused)


def test_one_kind_that_can_be_used_is_enough() -> None:
    new = patient.read(with_(("phone", "not a phone"), ("email", "rowan@example.org")))

    assert (new.phone, new.email) == ("", "rowan@example.org")


@pytest.mark.parametrize(
    "telecom",
    [
        [],
        [{"system": "fax", "value": "x"}, {"system": "url", "value": "https://x.example"}],
        [{"system": "phone"}, {"value": "x"}],
        [{"system": "phone", "value": "not a phone", "use": "old"}],
    ],
)
def test_without_contact_details_of_today_there_is_the_post(telecom: list[dict[str, str]]) -> None:
    new = patient.read(a_patient(telecom=telecom))

    assert (new.phone, new.email) == ("", "")


def test_a_long_text_is_looked_at_once() -> None:
    for value in ("0" * 1_000_000, "a@" + "b." * 500_000, "a" * 1_000_000, " 1" * 500_000):
        sent = with_(("phone", value), ("email", value))

        assert len(list(contacts.faults(sent, at="Patient"))) == 1
