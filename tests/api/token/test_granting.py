"""A token carries what is registered, and opens no more than it carries."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from accounts.models import AccessToken
from accounts.models import Client as RegisteredClient
from config.fictional import Person
from tests import cast
from tests.api.answers import issues, row_counts
from tests.api.token.assertions import (
    ask,
    claims_of,
    error_of,
    signed,
)

pytestmark = pytest.mark.django_db


def test_only_registered_scopes_are_granted(client: RegisteredClient, ec_key: ECKey) -> None:
    asked = "system/ServiceRequest.r system/Task.crud system/Observation.rs launch"

    answer = ask(signed(ec_key, claims_of(client.pk), alg="ES384"), scope=asked)

    assert json.loads(answer.content)["scope"] == "system/ServiceRequest.r system/Task.r"


def test_a_scope_that_is_registered_in_part_is_narrowed(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.scope = "system/Patient.cruds system/Provenance.crus system/ServiceRequest.cruds"
    gp_system.sign_in()

    token = AccessToken.objects.order_by("-pk")[0]

    expected = "system/Patient.crus system/Provenance.rs system/ServiceRequest.crus"
    assert token.scope == expected
    assert gp_system.refer(person).status_code == 201


@pytest.mark.parametrize(
    "scope",
    [
        "system/*.cruds",
        "system/Observation.rs",
        "system/ServiceRequest.d",
        "system/ServiceRequest.sr",
        "system/ServiceRequest.",
        "system/ServiceRequest.read",
        "user/ServiceRequest.r",
        "SYSTEM/ServiceRequest.r",
        "launch/patient",
    ],
)
def test_none_of_the_scopes_being_registered_is_an_invalid_scope(
    client: RegisteredClient, ec_key: ECKey, scope: str
) -> None:
    answer = ask(signed(ec_key, claims_of(client.pk), alg="ES384"), scope=scope)

    assert error_of(answer, 400) == "invalid_scope"


def test_a_narrow_token_can_do_no_more_than_it_says(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    made = gp_system.refer(person)
    referral_id = json.loads(made.content)["id"]
    gp_system.scope = "system/ServiceRequest.r"
    gp_system.sign_in()
    before = row_counts()

    assert gp_system.get(f"/fhir/R4/ServiceRequest/{referral_id}").status_code == 200
    refused = [
        gp_system.refer(person),
        gp_system.post("/fhir/R4/Patient", cast.referral_for(person)["contained"][0]),
        gp_system.post("/fhir/R4", _transaction(person)),
        gp_system.get(f"/fhir/R4/Task/{referral_id}"),
        gp_system.get(f"/fhir/R4/Task?focus=ServiceRequest/{referral_id}"),
        gp_system.get(f"/fhir/R4/Patient/{referral_id}"),
    ]

    for answer in refused:
        [issue] = issues(answer, 403)
        assert issue["code"] == "forbidden"
        assert issue["diagnostics"].endswith("and it holds system/ServiceRequest.r.")
    needed = [
        issues(answer, 403)[0]["diagnostics"].partition(" is needed")[0] for answer in refused
    ]
    assert [sentence.removeprefix("The token does not cover this: ") for sentence in needed] == [
        "system/ServiceRequest.c",
        "system/Patient.c",
        "system/Patient.c",
        "system/Task.r",
        "system/Task.s",
        "system/Patient.r",
    ]
    after = row_counts()
    assert after == {**before, "audit_entry": before["audit_entry"] + 7}  # one read, six refusals


@pytest.mark.parametrize("scope", ["system/ServiceRequest.cr", "system/Patient.cr"])
def test_a_transaction_needs_a_scope_for_each_type(
    gp_system: cast.ClinicalSystem, person: Person, scope: str
) -> None:
    gp_system.scope = scope
    before = row_counts()

    answer = gp_system.post("/fhir/R4", _transaction(person))

    issues(answer, 403)
    assert row_counts()["referrals_referral"] == before["referrals_referral"]


def _transaction(person: Person) -> dict[str, Any]:
    """A patient and the referral that is about them."""
    sent = cast.referral_for(person)
    [patient] = sent.pop("contained")
    del patient["id"]
    sent["subject"] = {"reference": "urn:uuid:0190a000-0000-4000-8000-00000000000a"}
    entries = [
        {"resource": patient, "fullUrl": sent["subject"]["reference"]},
        {"resource": sent, "fullUrl": "urn:uuid:0190a000-0000-4000-8000-00000000000b"},
    ]
    for entry in entries:
        entry["request"] = {"method": "POST", "url": entry["resource"]["resourceType"]}
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}
