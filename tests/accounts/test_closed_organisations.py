"""An organisation that has closed refers nobody any more: its systems get no token, and theirs open nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.timezone import localdate

from accounts.models import Organisation
from tests import cast

pytestmark = pytest.mark.django_db


def _close(system: cast.ClinicalSystem, *, days_ago: int) -> None:
    ended = localdate(timezone.now()) - timedelta(days=days_ago)
    Organisation.objects.filter(pk=system.organisation.pk).update(valid_to=ended)


def test_the_tokens_of_a_closed_practice_open_nothing(gp_system: cast.ClinicalSystem) -> None:
    assert gp_system.get("/fhir/R4/ServiceRequest").status_code == 200

    _close(gp_system, days_ago=1)

    assert gp_system.get("/fhir/R4/ServiceRequest").status_code == 401


def test_a_closed_practice_gets_no_token(gp_system: cast.ClinicalSystem) -> None:
    _close(gp_system, days_ago=1)

    with pytest.raises(AssertionError, match="has closed"):
        gp_system.sign_in()


def test_a_practice_may_refer_until_the_end_of_its_last_day(gp_system: cast.ClinicalSystem) -> None:
    _close(gp_system, days_ago=0)

    assert gp_system.get("/fhir/R4/ServiceRequest").status_code == 200
