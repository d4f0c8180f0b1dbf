"""What a SNOMED CT code leads to, with a release and without one."""

from datetime import date

import pytest
from django.utils import timezone

from communities.models import Condition
from communities.selectors import conditions_by_code
from communities.terminology import Terminology, replace_terminology
from config.fictional import Person
from tests import cast

pytestmark = pytest.mark.django_db

DIABETES, TYPE_1, TYPE_2, STROKE = "73211009", "46635009", "44054006", "230690007"
BRITTLE = "7000001001"  # stands for nothing


def keys(*codes: str) -> list[str]:
    return [condition.key for condition in conditions_by_code(codes)]


@pytest.fixture
def release() -> None:
    """Brittle is a type 1 diabetes, both types are diabetes; brittle is also a stroke here."""
    pairs = [
        (BRITTLE, TYPE_1), (BRITTLE, DIABETES), (BRITTLE, STROKE), (TYPE_1, DIABETES), (TYPE_2, DIABETES)
    ]  # fmt: skip
    new = Terminology(
        name="made up",
        effective_time=date(2024, 1, 1),
        digest="",
        concepts=[],
        descents=[(int(below), int(above)) for below, above in pairs],
        members=[],
    )
    replace_terminology(new, at=timezone.now())


def test_without_a_release_a_code_leads_to_its_own_condition_only() -> None:
    assert keys(TYPE_1) == ["type-1-diabetes"]
    assert keys(TYPE_1, DIABETES) == ["diabetes", "type-1-diabetes"]
    assert keys(BRITTLE) == []


@pytest.mark.usefixtures("release")
def test_with_a_release_a_code_leads_to_the_nearest_conditions_above_it() -> None:
    assert Condition.objects.get(key="type-1-diabetes").broader == "diabetes"
    assert keys(BRITTLE) == ["stroke", "type-1-diabetes"]
    assert keys(TYPE_2) == ["type-2-diabetes"]
    assert keys(DIABETES) == ["diabetes"]


@pytest.mark.usefixtures("release")
def test_a_condition_that_was_named_by_its_own_code_is_never_left_out() -> None:
    assert keys(BRITTLE, DIABETES) == ["diabetes", "stroke", "type-1-diabetes"]


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize("code", ["", "0", "07000001001", "x", "\u0667000001001", "9" * 40, "-5"])
def test_what_is_no_identifier_leads_nowhere(code: str) -> None:
    assert keys(code) == []
    assert keys(code, TYPE_2) == ["type-2-diabetes"]


@pytest.mark.usefixtures("release")
def test_a_referral_for_a_concept_below_a_condition_is_taken(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = cast.referral_for(person)
    sent["reasonCode"] = [{"coding": [{"system": "http://snomed.info/sct", "code": BRITTLE}]}]

    answer = gp_system.post("/fhir/R4/ServiceRequest", sent)

    assert answer.status_code == 201, answer.content
    assert answer.json()["reasonCode"][0]["coding"][0]["code"] == BRITTLE
