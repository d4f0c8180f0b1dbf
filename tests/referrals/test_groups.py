"""What is kept for the figures on fairness when a referral is first matched: coarse groups, and nothing else."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Client
from communities.matching.ranking import VERSION
from communities.models import Community, Listing, Postcode
from communities.places import Place
from config.fictional import Person
from privacy.tenancy import acting_for, counting_for
from referrals import matching
from referrals.groups import (
    AgeBand,
    age_band_of,
    imd_quintile_of,
    language_group_of,
    rurality_of,
)
from referrals.models import FirstMatch, Patient, Referral
from tests import application_role, cast
from tests.privacy.test_row_security import on_postgresql
from tests.referrals import steps

CATEGORY = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory"
ENGLAND = "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryEngland"


def sent(system: cast.ClinicalSystem, person: Person, **patient: Any) -> Referral:
    """A referral whose contained patient says more."""
    resource = cast.referral_for(person)
    resource["contained"][0].update(patient)
    answer = system.post("/fhir/R4/ServiceRequest", resource)
    assert answer.status_code == 201, answer.content
    return Referral.objects.get(pk=answer.json()["id"])


def category(code: str, system: str = ENGLAND) -> list[dict[str, Any]]:
    coding = {"system": system, "code": code}
    return [{"url": CATEGORY, "valueCodeableConcept": {"coding": [coding]}}]


@pytest.mark.django_db
def test_a_first_match_keeps_groups_and_nothing_that_names_anybody(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    Postcode.objects.create(
        postcode="E81AA",
        lad_code="E09000012",
        icb_ods=cast.ICB,
        imd_decile=3,
        rural_urban="A1",
        country_code="E92000001",
    )
    bengali = {"coding": [{"system": "urn:ietf:bcp:47", "code": "bn"}]}
    referral = sent(
        gp_system,
        person,
        extension=category("K"),
        address=[{"postalCode": "E8 1AA"}],
        communication=[{"language": bengali, "preferred": True}],
    )
    run_jobs()

    first = FirstMatch.objects.get()
    assert (first.referral, first.matcher_version) == (referral, VERSION)
    assert first.offered == referral.offers.count() > 0
    assert (first.imd_quintile, first.rurality, first.language) == (2, "urban", "other")
    assert (first.ethnic_group, first.sex) == ("asian", person.gender)
    assert first.age_band in AgeBand.values
    assert Patient.objects.get().ethnic_category == "K"


@pytest.mark.django_db
def test_what_is_not_known_stays_empty(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    steps.invited(gp_system, person, run_jobs)

    first = FirstMatch.objects.get()
    assert (first.imd_quintile, first.rurality, first.language, first.ethnic_group) == (
        None,
        "",
        "",
        "",
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("extension", "kept"),
    [
        (category("A"), "A"),
        (category("S", "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategory"), "S"),
        (category("Z"), ""),
        (category("99"), ""),
        (category("Q"), ""),
        (category("A", "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryWales"), ""),
        ([{"url": CATEGORY, "valueString": "A"}], ""),
        ([{"url": "https://other.example/category", "valueString": "A"}], ""),
        ([*category("Z"), *category("D")], "D"),
    ],
)
def test_an_ethnic_category_is_one_of_the_sixteen_or_none(
    gp_system: cast.ClinicalSystem, person: Person, extension: list[dict[str, Any]], kept: str
) -> None:
    sent(gp_system, person, extension=extension)

    assert Patient.objects.get().ethnic_category == kept


@pytest.mark.django_db
def test_the_first_match_stays_what_it_was(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    before = FirstMatch.objects.values().get()
    Community.objects.update(listing=Listing.SUSPENDED)
    Patient.objects.update(gender="other")
    referral.refresh_from_db()

    assert not matching.find_offers(referral, at=timezone.now())

    assert FirstMatch.objects.values().get() == before


@pytest.mark.django_db
def test_nothing_found_is_kept_too(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    Community.objects.update(listing=Listing.SUSPENDED)

    steps.invited(gp_system, person, run_jobs)

    assert FirstMatch.objects.get().offered == 0


@on_postgresql
@pytest.mark.django_db
def test_its_own_board_and_practice_see_it_and_nobody_else(
    gp_system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    other = Client.objects.get(pk=other_gp_system.client_id).organisation
    assert referral.icb_id
    with application_role.as_product():
        with counting_for(referral.icb_id):
            by_board = FirstMatch.objects.count()
            changed = FirstMatch.objects.update(offered=9)
        with acting_for(referral.practice_id):
            by_practice = FirstMatch.objects.count()
        with acting_for(other.pk):
            by_other = FirstMatch.objects.count()

    assert (by_board, changed, by_practice, by_other) == (1, 0, 1, 0)


@pytest.mark.parametrize(
    ("age", "band"),
    [(0, "0-17"), (17, "0-17"), (18, "18-34"), (34, "18-34"), (49, "35-49"), (50, "50-64")]
    + [(64, "50-64"), (65, "65-"), (104, "65-")],
)
def test_every_age_has_a_band(age: int, band: str) -> None:
    assert age_band_of(age) == band


@pytest.mark.parametrize(
    ("decile", "quintile"), [(1, 1), (2, 1), (3, 2), (5, 3), (8, 4), (9, 5), (10, 5), (None, None)]
)
def test_two_deciles_are_a_quintile(decile: int | None, quintile: int | None) -> None:
    place = Place("E09000012", cast.ICB, "England", imd_decile=decile, is_approximate=False)

    assert imd_quintile_of(place) == quintile


def test_half_a_postcode_tells_neither_deprivation_nor_rurality() -> None:
    roughly = Place("E09000012", cast.ICB, "England", imd_decile=3, rural_urban="urban")

    assert (imd_quintile_of(roughly), rurality_of(roughly)) == (None, "")
    assert (imd_quintile_of(None), rurality_of(None)) == (None, "")


@pytest.mark.parametrize(
    ("tag", "group"),
    [("", ""), ("en", "en"), ("en-GB", "en"), ("EN", "en"), ("bn", "other"), ("enx", "other")],
)
def test_a_language_is_english_or_another(tag: str, group: str) -> None:
    assert language_group_of(tag) == group
