"""``HealthcareService/$match``: a need in, ranked communities out, and nothing of the need kept."""

import json
from typing import Any

import pytest
from django.test import Client

from audit.models import Action, Entry
from communities.matching.ranking import VERSION
from communities.models import Community
from config.fictional import DEPRESSION, Person
from integrations.fhir.checking import check
from integrations.fhir.match_answer import MOST_POINTS
from referrals.models import Offer, Referral
from tests import cast
from tests.api.answers import Answer, issues, places, row_counts, stored_text

pytestmark = pytest.mark.django_db

BASE = "http://127.0.0.1:8000/fhir/R4"
PATH = "/fhir/R4/HealthcareService/$match"
SNOMED = "http://snomed.info/sct"
CODING = {"system": SNOMED, "code": DEPRESSION}


def need(**parameters: Any) -> dict[str, Any]:
    """A Parameters resource: ``condition_valueCoding=…``; a list gives the parameter several times."""
    listed = [
        {"name": name.partition("_")[0], name.partition("_")[2]: value}
        for name, values in parameters.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return {"resourceType": "Parameters", "parameter": listed}


def adult(**more: Any) -> dict[str, Any]:
    return need(**{"condition_valueCoding": CODING, "age_valueInteger": 40, **more})


def bundle(answer: Answer) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


def entries(answer: Answer, mode: str = "match") -> list[dict[str, Any]]:
    return [entry for entry in bundle(answer)["entry"] if entry["search"]["mode"] == mode]


def ids(answer: Answer) -> list[str]:
    return [entry["resource"]["id"] for entry in entries(answer)]


def said(entry: dict[str, Any], name: str) -> dict[str, str]:
    """Code and sentence of each reason of a kind."""
    reasons = [e for e in entry["search"]["extension"] if e["url"].endswith(f"/{name}")]
    parts = [{part["url"]: part for part in reason["extension"]} for reason in reasons]
    return {part["code"]["valueCode"]: part["text"]["valueString"] for part in parts}


def test_communities_come_in_order_with_score_reasons_and_the_matchers_version(
    gp_system: cast.ClinicalSystem,
) -> None:
    answer = gp_system.post(PATH, adult())

    first, *others = entries(answer)
    assert first["resource"]["name"] == "Example Steady Days (fictional)"
    assert first["fullUrl"] == f"{BASE}/HealthcareService/{first['resource']['id']}"
    assert said(first, "match-reason")["condition"] == "For people living with depression"
    assert said(first, "match-reason")["cover"] == "Moderators are there day and night"
    scores = [entry["search"]["score"] for entry in (first, *others)]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] <= 1
    assert bundle(answer)["total"] == len(scores)
    assert [tag["code"] for tag in bundle(answer)["meta"]["tag"]] == [VERSION]
    assert any("visibility" in said(entry, "match-worth-knowing") for entry in others)


def test_the_score_is_explained_in_the_answer(gp_system: cast.ClinicalSystem) -> None:
    [outcome] = entries(gp_system.post(PATH, adult()), "outcome")

    [issue] = outcome["resource"]["issue"]
    assert issue["severity"] == "information"
    assert f"divided by {MOST_POINTS}" in issue["diagnostics"]


def test_the_answer_is_valid_r4(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post(PATH, adult(includeRefused_valueBoolean=True))

    assert check(bundle(answer), resource_type="Bundle", is_strict=True) == []


def test_a_referral_is_offered_what_the_same_need_finds(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    gp_system.refer(person)
    run_jobs()
    referral = Referral.objects.get()
    parameters = need(
        condition_valueCoding=CODING,
        birthDate_valueDate=str(person.birth_date),
        gender_valueCode=person.gender,
        postcode_valueString=referral.patient.postcode or referral.practice.postcode,
    )

    answer = gp_system.post(PATH, parameters)

    offers = list(Offer.objects.order_by("rank"))
    assert len(offers) == 3
    shown = entries(answer)[:3]
    assert [entry["resource"]["id"] for entry in shown] == [str(o.community_id) for o in offers]
    for entry, offer in zip(shown, offers, strict=True):
        assert entry["search"]["score"] == round(offer.score / MOST_POINTS, 4)
        known = said(entry, "match-reason") | said(entry, "match-worth-knowing")
        assert set(known) == {reason["code"] for reason in offer.reasons}


def test_a_need_may_be_asked_in_the_address_where_it_can_name_nobody(
    gp_system: cast.ClinicalSystem,
) -> None:
    asked = gp_system.get(f"{PATH}?condition={SNOMED}%7C{DEPRESSION}&age=40&gender=female")

    posted = gp_system.post(PATH, adult(gender_valueCode="female"))
    assert bundle(asked) == bundle(posted)


@pytest.mark.parametrize("given", ["birthDate=1980-01-01", "postcode=E1%204NS"])
def test_what_could_tell_who_somebody_is_stands_in_no_address(
    gp_system: cast.ClinicalSystem, given: str
) -> None:
    answer = gp_system.get(f"{PATH}?condition=depression&age=40&{given}")

    assert places(issues(answer, 400)) == {("security", f"http.{given.partition('=')[0]}")}


@pytest.mark.parametrize(
    "condition",
    [
        {"condition_valueCode": "depression"},
        {"condition_valueString": "depression"},
        {"condition_valueCoding": {"system": f"{BASE}/CodeSystem/condition", "code": "depression"}},
        {"condition_valueCoding": {"system": "https://snomed.info/sct", "code": DEPRESSION}},
        {"condition_valueCodeableConcept": {"coding": [{"system": SNOMED, "code": DEPRESSION}]}},
    ],
)
def test_a_condition_is_named_by_snomed_code_or_by_our_key(
    gp_system: cast.ClinicalSystem, condition: dict[str, Any]
) -> None:
    answer = gp_system.post(PATH, need(age_valueInteger=40, **condition))

    assert ids(answer) == ids(gp_system.post(PATH, adult()))


def test_several_conditions_are_all_looked_for(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post(
        PATH, need(condition_valueCode=["chronic-pain", "bipolar"], age_valueInteger=40)
    )

    shown = {entry["resource"]["name"] for entry in entries(answer)}
    assert {
        "Example Living With Pain (fictional)",
        "Example Bipolar Common Room (fictional)",
    } <= shown


def test_an_unknown_condition_beside_a_known_one_is_left_out_with_a_warning(
    gp_system: cast.ClinicalSystem,
) -> None:
    answer = gp_system.post(
        PATH, need(condition_valueCode=["depression", "no-such-thing"], age_valueInteger=40)
    )

    [outcome] = entries(answer, "outcome")
    assert ids(answer) == ids(gp_system.post(PATH, adult()))
    warning = outcome["resource"]["issue"][0]
    assert warning["severity"] == "warning"
    assert warning["expression"] == ["Parameters.parameter[1].value"]


def test_a_condition_that_is_not_known_is_refused_with_the_list_of_those_that_are(
    gp_system: cast.ClinicalSystem,
) -> None:
    answer = gp_system.post(PATH, need(condition_valueCode="no-such-thing", age_valueInteger=40))

    [issue] = issues(answer, 422)
    assert issue["code"] == "not-supported"
    assert "/api/conditions" in issue["diagnostics"]
    assert "no-such-thing" not in answer.content.decode()


def test_everything_that_is_wrong_is_said_at_once(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post(
        PATH,
        need(
            age_valueInteger=[400, 40],
            gender_valueCode="f",
            language_valueCode="english please",
            locality_valueString="Atlantis",
            postcode_valueString="E1 4NS",
        ),
    )

    assert places(issues(answer, 422)) == {
        ("invariant", "Parameters.parameter[1].value"),
        ("required", "Parameters.parameter"),
        ("value", "Parameters.parameter[0].value"),
        ("code-invalid", "Parameters.parameter[2].value"),
        ("code-invalid", "Parameters.parameter[3].value"),
        ("invariant", "Parameters.parameter[4].value"),
    }


@pytest.mark.parametrize(
    ("wrong", "status", "place"),
    [
        ({"age_valueInteger": -1}, 422, ("value", "Parameters.parameter[1].value")),
        ({"age_valueString": "40"}, 400, ("value", "Parameters.parameter[1]")),
        ({"birthDate_valueDate": "1980"}, 422, ("value", "Parameters.parameter[1].value")),
        ({"birthDate_valueDate": "2999-01-01"}, 422, ("value", "Parameters.parameter[1].value")),
        ({"mood_valueString": "low"}, 400, ("not-supported", "Parameters.parameter[1]")),
    ],
)
def test_a_wrong_parameter_is_refused(
    gp_system: cast.ClinicalSystem, wrong: dict[str, Any], status: int, place: tuple[str, str]
) -> None:
    answer = gp_system.post(PATH, need(condition_valueCode="depression", **wrong))

    assert place in places(issues(answer, status))


@pytest.mark.parametrize(
    "query", ["mood=low", "_count=3", "locality=%00", "age=%00", f"age=000000001{'9' * 30}"]
)
def test_a_wrong_parameter_in_the_address_is_refused(
    gp_system: cast.ClinicalSystem, query: str
) -> None:
    answer = gp_system.get(f"{PATH}?condition=depression&{query}")

    assert answer.status_code in {400, 422}
    assert issues(answer, answer.status_code)


def test_age_is_needed(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post(PATH, need(condition_valueCode="depression"))

    [issue] = issues(answer, 422)
    assert issue["code"] == "required"


def test_a_child_is_offered_no_community_for_adults(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post(PATH, need(condition_valueCode="depression", age_valueInteger=12))

    assert ids(answer) == []
    assert bundle(answer)["total"] == 0


def test_those_that_do_not_fit_say_why_not_when_asked(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post(PATH, adult(includeRefused_valueBoolean=True))

    refused = {entry["resource"]["name"]: entry for entry in entries(answer, "include")}
    of_condition = Community.objects.filter(conditions__in=["depression", "mental-health-general"])
    assert len(refused) + bundle(answer)["total"] == of_condition.distinct().count()
    assert len(refused) > 2
    for entry in refused.values():
        assert said(entry, "match-refusal")
        assert "other_condition" not in said(entry, "match-refusal")
        assert "score" not in entry["search"]


@pytest.mark.parametrize(
    ("locality", "is_local"), [("E09000030", True), ("QE1", False), ("Scotland", False)]
)
def test_the_place_decides_where_a_community_serves_an_area_only(
    gp_system: cast.ClinicalSystem,
    locality: str,
    is_local: bool,
) -> None:
    boroughs = Community.objects.get(areas__place="lad:E09000030")
    key = boroughs.conditions.all()[0].key
    parameters = need(
        condition_valueCode=key,
        age_valueInteger=40,
        locality_valueString=locality,
        includeRefused_valueBoolean=True,
    )

    answer = gp_system.post(PATH, parameters)

    [entry] = [e for e in bundle(answer)["entry"] if e["resource"].get("id") == str(boroughs.pk)]
    assert ("other_area" not in said(entry, "match-refusal")) == is_local


def test_without_a_place_the_practices_counts_as_in_a_referral(
    gp_system: cast.ClinicalSystem,
) -> None:
    by_default = gp_system.post(PATH, adult())
    by_postcode = gp_system.post(PATH, adult(postcode_valueString=gp_system.organisation.postcode))
    unknown = gp_system.post(PATH, adult(postcode_valueString="ZZ99 3VZ"))

    assert ids(by_default) == ids(by_postcode) == ids(unknown)
    [outcome] = entries(unknown, "outcome")
    assert outcome["resource"]["issue"][0]["code"] == "not-found"


def test_a_carer_is_offered_communities_that_welcome_carers(
    gp_system: cast.ClinicalSystem,
) -> None:
    parameters = need(condition_valueCode="bipolar", age_valueInteger=40, isCarer_valueBoolean=True)

    shown = entries(gp_system.post(PATH, parameters))

    assert shown
    for entry in shown:
        row = Community.objects.get(pk=entry["resource"]["id"])
        assert {"carers", "family"} & set(row.audience)


def test_a_language_that_is_shared_counts(gp_system: cast.ClinicalSystem) -> None:
    parameters = need(
        condition_valueCode="type-2-diabetes", age_valueInteger=40, language_valueCode=["ur", "cy"]
    )

    first = entries(gp_system.post(PATH, parameters))[0]

    assert said(first, "match-reason")["language"] == "In a language you speak"


def test_nothing_of_the_need_is_kept_but_that_it_was_asked(
    gp_system: cast.ClinicalSystem,
) -> None:
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post(
        PATH,
        need(
            condition_valueCode="depression",
            birthDate_valueDate="1931-07-09",
            postcode_valueString="ZZ99 3VZ",
        ),
    )

    after = row_counts()
    assert answer.status_code == 200
    assert {table for table in after if after[table] != before[table]} == {"audit_entry"}
    [entry] = Entry.objects.filter(action=Action.COMMUNITIES_SOUGHT)
    assert (entry.target, entry.detail) == ("", {})
    assert "1931-07-09" not in stored_text()
    assert "ZZ99" not in stored_text()


def test_a_refused_question_leaves_nothing(gp_system: cast.ClinicalSystem) -> None:
    gp_system.post(PATH, need(condition_valueCode="depression"))

    assert not Entry.objects.filter(action=Action.COMMUNITIES_SOUGHT).exists()


def test_matching_needs_a_token_that_may_search_the_directory(
    gp_system: cast.ClinicalSystem, stranger: Client
) -> None:
    reader = cast.clinical_system(
        gp_system.organisation, scope="system/HealthcareService.r system/Task.rs"
    )

    assert issues(stranger.post(PATH, adult(), content_type=cast.FHIR_JSON), 401)
    assert issues(reader.post(PATH, adult()), 403)
    assert issues(reader.get(f"{PATH}?condition=depression&age=40"), 403)


def test_the_operation_is_announced(gp_system: cast.ClinicalSystem) -> None:
    statement = bundle(gp_system.get("/fhir/R4/metadata"))

    [service] = [r for r in statement["rest"][0]["resource"] if r["type"] == "HealthcareService"]
    definition = f"{BASE}/OperationDefinition/HealthcareService-match"
    assert {"name": "match", "definition": definition} in service["operation"]
