"""Who read figures and what patients chose to share is in the audit, with whose rows were touched."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation, User
from audit.models import Action, Entry
from config.fictional import Person
from referrals import placing
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/commissioner/", "/api/measures/funnel", "/api/measures/funnel.csv"]
)
def test_each_reading_of_the_figures_is_recorded(commissioner: Client, path: str) -> None:
    user = User.objects.get(email__startswith=cast.ICB.lower())
    icb = Organisation.objects.get(ods_code=cast.ICB)

    assert commissioner.get(path).status_code == 200

    entry = Entry.objects.get(action=Action.FIGURES_READ)
    assert (entry.actor, entry.organisation_id) == (f"commissioner/{user.pk}", icb.pk)
    assert entry.target == f"Organization/{icb.pk}"


@pytest.mark.parametrize(
    "path", ["/commissioner/", "/api/measures/funnel", "/api/measures/funnel.csv"]
)
def test_figures_that_are_not_shown_are_not_recorded_as_read(
    commissioner: Client, stranger: Client, path: str
) -> None:
    assert commissioner.get(f"{path}?icb={cast.OTHER_ICB}").status_code == 404
    assert stranger.get(path).status_code in {302, 401}

    assert not Entry.objects.filter(action=Action.FIGURES_READ).exists()


def test_a_changed_choice_of_what_to_share_is_recorded_and_a_repeated_one_is_not(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    offer = referral.offers.get(rank=1)
    for tells_practice in (False, False, True):
        placement = placing.join(
            referral_id=referral.pk,
            offer_id=offer.pk,
            tells_practice=tells_practice,
            counts_visits=True,
            at=timezone.now(),
        )

    entry = Entry.objects.get(action=Action.SHARING_CHOSEN)
    assert placement
    assert entry.actor == f"patient/{referral.pk}"
    assert entry.target == f"Placement/{placement.pk}"
    assert entry.detail == {"tells-practice": 1, "counts-visits": 1}


def test_an_entry_says_whose_rows_were_touched(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.referred(gp_system, person)

    entry = Entry.objects.get(action=Action.REFERRAL_RECEIVED)

    assert entry.target == f"ServiceRequest/{referral.pk}"
    assert entry.tenant_id == referral.practice_id
