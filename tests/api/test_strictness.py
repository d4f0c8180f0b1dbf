"""What real senders write otherwise is understood with a warning, unless the client wants it refused."""

import json
from typing import Any

import pytest

from accounts.models import Client
from config.fictional import Person
from referrals.models import Referral
from tests import cast
from tests.api.answers import issues, places, row_counts

pytestmark = pytest.mark.django_db

REFERRALS = "/fhir/R4/ServiceRequest"


@pytest.fixture
def strict_system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A clinical system that wants its deviations refused."""
    gp_system.sign_in()
    Client.objects.filter(pk=gp_system.client_id).update(is_strict=True)
    return gp_system


def _with_the_old_host(person: Person) -> dict[str, Any]:
    """A referral whose patient's NHS number stands under the host that was used before."""
    text = json.dumps(cast.referral_for(person))
    sent: dict[str, Any] = json.loads(
        text.replace("https://fhir.nhs.uk/Id/nhs-number", "http://fhir.nhs.net/Id/nhs-number")
    )
    assert json.dumps(sent) != text
    return sent


def test_a_known_deviation_is_understood(gp_system: cast.ClinicalSystem, person: Person) -> None:
    sent = _with_the_old_host(person)

    answer = gp_system.post(REFERRALS, sent)

    assert answer.status_code == 201
    assert json.loads(answer.content)["contained"] == sent["contained"]
    assert Referral.objects.get().patient.nhs_number == person.nhs_number


def test_a_strict_client_is_told_where_it_deviates(
    strict_system: cast.ClinicalSystem, person: Person
) -> None:
    before = row_counts()

    answer = strict_system.post(REFERRALS, _with_the_old_host(person))

    at = "ServiceRequest.contained[0].identifier[0].system"
    assert places(issues(answer, 422)) == {("value", at)}
    assert row_counts() == before


def test_a_strict_client_that_does_not_deviate_is_taken(
    strict_system: cast.ClinicalSystem, person: Person
) -> None:
    assert strict_system.post(REFERRALS, cast.referral_for(person)).status_code == 201
