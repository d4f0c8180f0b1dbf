"""$everything, $events and $available-actions by HTTP: what a practice's system may know, and nothing that it may not."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from audit.models import Action, Entry
from config.fictional import Person, people
from referrals.models import PracticeTask, PracticeTaskKind, Referral
from referrals.practice_tasks import ask_practice
from tests import cast
from tests.api.answers import Answer, issues
from tests.integrations.fhir.cast import check
from tests.referrals import steps

pytestmark = pytest.mark.django_db

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
SCOPE = (
    "system/ServiceRequest.crus system/Task.cru system/Patient.crs system/Provenance.r"
    " system/Subscription.crud"
)
EVERYTHING = "/fhir/R4/Patient/{}/$everything"
EVENTS = "/fhir/R4/ServiceRequest/{}/$events"
OF_REQUEST = "/fhir/R4/ServiceRequest/{}/$available-actions"
OF_TASK = "/fhir/R4/Task/{}/$available-actions"


@pytest.fixture
def system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A clinical system of the practice that may read and change what there is."""
    return cast.clinical_system(gp_system.organisation, scope=SCOPE)


@pytest.fixture
def referral(system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link."""
    return steps.invited(system, person, run_jobs)


def body(answer: Answer) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


def named(bundle: dict[str, Any]) -> list[str]:
    """Type and id of each entry."""
    entries = bundle.get("entry", [])
    return [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in entries]


def link(bundle: dict[str, Any], relation: str) -> str:
    """The path of a link, "" where there is none."""
    urls = [one["url"] for one in bundle["link"] if one["relation"] == relation]
    return urls[0].removeprefix(settings.PUBLIC_BASE_URL) if urls else ""


def silently(referral: Referral) -> None:
    """The patient joins and does not tell."""
    steps.joined(referral, tells_practice=False)


# $everything


def test_everything_holds_the_patient_the_referrals_their_tasks_and_each_told_step(
    system: cast.ClinicalSystem, referral: Referral
) -> None:
    ask_practice(referral, PracticeTaskKind.LINK_LOCKED, at=timezone.now())
    asked = PracticeTask.objects.get()

    bundle = body(system.get(EVERYTHING.format(referral.patient_id)))

    check(bundle)
    assert bundle["type"] == "searchset"
    assert bundle["total"] == len(bundle["entry"])
    assert named(bundle) == [
        f"Patient/{referral.patient_id}",
        f"ServiceRequest/{referral.pk}",
        f"Task/{referral.pk}",
        f"Task/{asked.pk}",
        *(f"Provenance/{referral.pk}-{number}" for number in range(1, referral.version + 1)),
    ]
    for entry in bundle["entry"][:4]:
        path = entry["fullUrl"].removeprefix(settings.PUBLIC_BASE_URL)
        assert entry["resource"] == body(system.get(path))


def test_everything_is_paged_without_loss_while_the_referral_moves_on(
    system: cast.ClinicalSystem, referral: Referral
) -> None:
    path = EVERYTHING.format(referral.patient_id)
    whole = body(system.get(path))
    page = body(system.get(f"{path}?_count=2"))
    steps.joined(referral, tells_practice=True)
    pages = [page]
    while following := link(pages[-1], "next"):
        pages.append(body(system.get(following)))

    assert all(len(one["entry"]) <= 2 for one in pages)
    assert [name for one in pages for name in named(one)] == named(whole)
    resources = [entry["resource"] for one in pages for entry in one["entry"]]
    assert resources == [entry["resource"] for entry in whole["entry"]]


def test_everything_is_narrowed_by_type_and_moment(
    system: cast.ClinicalSystem, referral: Referral
) -> None:
    path = EVERYTHING.format(referral.patient_id)

    assert named(body(system.get(f"{path}?_type=Task"))) == [f"Task/{referral.pk}"]
    since = referral.told_at - timedelta(microseconds=1)
    asked = since.isoformat().replace("+00:00", "Z")
    assert named(body(system.get(f"{path}?_since={asked}"))) == [
        f"ServiceRequest/{referral.pk}",
        f"Task/{referral.pk}",
        f"Provenance/{referral.pk}-{referral.version}",
    ]
    parameters = {"name": "_type", "valueString": "Patient"}
    posted = system.post(path, {"resourceType": "Parameters", "parameter": [parameters]})
    assert named(body(posted)) == [f"Patient/{referral.patient_id}"]


def test_everything_goes_as_far_as_the_token_and_says_how_far(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    path = EVERYTHING.format(referral.patient_id)
    scope = "system/Patient.r system/ServiceRequest.r system/Task.r"
    narrow = cast.clinical_system(gp_system.organisation, scope=scope)

    bundle = body(narrow.get(path))

    assert {name.partition("/")[0] for name in named(bundle)} == {
        "Patient",
        "ServiceRequest",
        "Task",
    }
    assert "_type=Patient%2CServiceRequest%2CTask" in link(bundle, "self")
    assert issues(narrow.get(f"{path}?_type=Provenance"), 403)


@pytest.mark.parametrize(
    "query",
    ["_count=0", "_count=x", "_since=x", "_type=AuditEvent", "start=2026-01-01", "_cursor=x"],
)
def test_what_everything_cannot_do_is_refused(
    system: cast.ClinicalSystem, referral: Referral, query: str
) -> None:
    answer = system.get(f"{EVERYTHING.format(referral.patient_id)}?{query}")

    assert len(issues(answer, 400)) == 1


def test_a_page_of_one_patient_opens_nothing_of_another(
    system: cast.ClinicalSystem, referral: Referral
) -> None:
    other = steps.referred(system, next(people(seed=3)))
    page = body(system.get(f"{EVERYTHING.format(referral.patient_id)}?_count=1"))
    stolen = link(page, "next").replace(str(referral.patient_id), str(other.patient_id))

    assert issues(system.get(stolen), 400)


def test_everything_is_in_the_audit(system: cast.ClinicalSystem, referral: Referral) -> None:
    before = Entry.objects.count()

    system.get(EVERYTHING.format(referral.patient_id))

    traces = Entry.objects.order_by("pk")[before:].values_list("action", "target")
    assert list(traces) == [
        (Action.PATIENT_READ, f"Patient/{referral.patient_id}"),
        (Action.REFERRAL_READ, f"ServiceRequest/{referral.pk}"),
    ]


# $events


def test_events_tell_each_step_in_order_with_numbers_that_stay(
    system: cast.ClinicalSystem, referral: Referral
) -> None:
    bundle = body(system.get(EVENTS.format(referral.pk)))

    check(bundle)
    assert bundle["type"] == "history"
    versions = [one["resource"]["meta"]["versionId"] for one in bundle["entry"]]
    assert versions == [str(number) for number in range(1, referral.version + 1)]
    assert bundle["total"] == referral.version
    told = [one["resource"]["businessStatus"]["coding"][0]["code"] for one in bundle["entry"]]
    assert told == ["received-by-service", "matched", "invitation-sent"]
    for entry, version in zip(bundle["entry"], versions, strict=True):
        assert entry["resource"] == body(
            system.get(f"/fhir/R4/Task/{referral.pk}/_history/{version}")
        )


def test_events_are_told_again_from_any_number(
    system: cast.ClinicalSystem, referral: Referral
) -> None:
    def numbers(query: str) -> list[str]:
        bundle = body(system.get(f"{EVENTS.format(referral.pk)}?{query}"))
        return [one["resource"]["meta"]["versionId"] for one in bundle.get("entry", [])]

    assert numbers("eventsSinceNumber=2") == ["2", "3"]
    assert numbers("eventsSinceNumber=2&eventsUntilNumber=2") == ["2"]
    assert numbers("eventsSinceNumber=99") == numbers("eventsUntilNumber=0") == []
    parameters = [{"name": "eventsSinceNumber", "valueString": "3"}]
    posted = system.post(
        EVENTS.format(referral.pk), {"resourceType": "Parameters", "parameter": parameters}
    )
    assert body(posted)["total"] == 3


def test_more_than_a_hundred_events_are_told_in_pages(
    system: cast.ClinicalSystem, referral: Referral
) -> None:
    resource = body(system.get(f"/fhir/R4/ServiceRequest/{referral.pk}"))
    for _ in range(100):
        answer = system.put(f"/fhir/R4/ServiceRequest/{referral.pk}", resource)
        assert answer.status_code == 200, answer.content

    first = body(system.get(EVENTS.format(referral.pk)))
    second = body(system.get(link(first, "next")))

    assert [len(first["entry"]), len(second["entry"])] == [100, 3]
    assert link(second, "next") == ""


@pytest.mark.parametrize("query", ["eventsSinceNumber=x", "eventsUntilNumber=-1", "content=empty"])
def test_what_events_cannot_do_is_refused(
    system: cast.ClinicalSystem, referral: Referral, query: str
) -> None:
    assert issues(system.get(f"{EVENTS.format(referral.pk)}?{query}"), 400)


# $available-actions


def actions(answer: Answer) -> dict[str, dict[str, Any]]:
    """What may be done by name, each with what stands beside it; ways as pairs of resource and status."""
    parameters = body(answer)
    check(parameters)
    found: dict[str, dict[str, Any]] = {}
    for one in parameters["parameter"][1:]:
        assert one["name"] == "action"
        shown: dict[str, Any] = {"ways": []}
        for part in one["part"]:
            if part["name"] == "by-update":
                resource, status = part["part"]
                way = (resource["valueReference"]["reference"], status["valueCode"])
                shown["ways"].append(way)
            else:
                [value] = [value for key, value in part.items() if key.startswith("value")]
                shown[part["name"]] = value
        found[shown.pop("name")] = shown
    return found


def test_the_actions_say_what_may_be_done_where_it_leads_and_how(
    system: cast.ClinicalSystem, referral: Referral
) -> None:
    found = actions(system.get(OF_TASK.format(referral.pk)))

    assert list(found) == ["correct", "withdraw", "mark-as-error"]
    assert found["withdraw"] == {
        "request-status": "revoked",
        "task-status": "cancelled",
        "business-status": {
            "system": f"{BASE}/CodeSystem/business-status",
            "code": "withdrawn",
            "display": "Withdrawn by the requester",
        },
        "takes-reason": True,
        "ways": [
            (f"ServiceRequest/{referral.pk}", "revoked"),
            (f"Task/{referral.pk}", "cancelled"),
        ],
    }
    assert found == actions(system.get(OF_REQUEST.format(referral.pk)))
    focus = body(system.get(OF_REQUEST.format(referral.pk)))["parameter"][0]
    assert focus == {
        "name": "focus",
        "valueReference": {
            "reference": f"ServiceRequest/{referral.pk}/_history/{referral.version}"
        },
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("correct", "ServiceRequest"),
        ("withdraw", "ServiceRequest"),
        ("withdraw", "Task"),
        ("mark-as-error", "ServiceRequest"),
        ("mark-as-error", "Task"),
    ],
)
def test_what_the_actions_say_can_be_done_can_be_done(
    system: cast.ClinicalSystem, referral: Referral, name: str, kind: str
) -> None:
    action = actions(system.get(OF_TASK.format(referral.pk)))[name]
    resource, status = {way[0].partition("/")[0]: way for way in action["ways"]}[kind]
    sent = {**body(system.get(f"/fhir/R4/{resource}")), "status": status}

    answer = system.put(f"/fhir/R4/{resource}", sent)

    assert answer.status_code == 200, answer.content
    task = body(system.get(f"/fhir/R4/Task/{referral.pk}"))
    assert task["status"] == action["task-status"]
    assert task["businessStatus"]["coding"][0]["code"] == action["business-status"]["code"]
    request = body(system.get(f"/fhir/R4/ServiceRequest/{referral.pk}"))
    assert request["status"] == action["request-status"]


def test_a_refused_move_names_the_same_actions(
    system: cast.ClinicalSystem, referral: Referral
) -> None:
    path = f"/fhir/R4/ServiceRequest/{referral.pk}"
    resource = body(system.get(path))
    assert system.put(path, {**resource, "status": "revoked"}).status_code == 200

    refused = issues(system.put(path, resource), 422)[0]["diagnostics"]

    found = actions(system.get(OF_REQUEST.format(referral.pk)))
    codes = [action["business-status"]["code"] for action in found.values()]
    assert refused.endswith(f"Possible now: {', '.join(codes)}.")


def test_a_draft_can_be_issued(system: cast.ClinicalSystem, person: Person) -> None:
    draft = steps.drafted(system, person)

    found = actions(system.get(OF_REQUEST.format(draft.pk)))

    assert found["issue"]["ways"] == [
        (f"ServiceRequest/{draft.pk}", "active"),
        (f"Task/{draft.pk}", "requested"),
    ]


def test_what_the_practice_was_asked_can_be_completed_once(
    system: cast.ClinicalSystem, referral: Referral
) -> None:
    ask_practice(referral, PracticeTaskKind.CONTACT_PROHIBITED, at=timezone.now())
    asked = PracticeTask.objects.get()
    path = f"Task/{asked.pk}"

    found = actions(system.get(OF_TASK.format(asked.pk)))

    assert found == {"complete": {"task-status": "completed", "ways": [(path, "completed")]}}
    sent = {**body(system.get(f"/fhir/R4/{path}")), "status": "completed"}
    assert system.put(f"/fhir/R4/{path}", sent).status_code == 200
    assert actions(system.get(OF_TASK.format(asked.pk))) == {}


# Who sees what


def test_silence_is_kept_in_every_answer(
    system: cast.ClinicalSystem, referral: Referral, run_jobs: cast.RunJobs
) -> None:
    addresses = [
        EVERYTHING.format(referral.patient_id),
        *(path.format(referral.pk) for path in (EVENTS, OF_REQUEST, OF_TASK)),
    ]
    before = [body(system.get(path)) for path in addresses]

    silently(referral)
    run_jobs()

    assert [body(system.get(path)) for path in addresses] == before


def test_after_the_end_who_joined_in_silence_looks_like_who_never_opened_the_link(
    system: cast.ClinicalSystem, run_jobs: cast.RunJobs
) -> None:
    crowd = people(seed=12)
    quiet, unopened = (steps.invited(system, next(crowd), run_jobs) for _ in range(2))
    silently(quiet)

    with time_machine.travel(timezone.now() + timedelta(days=28, minutes=1)):
        run_jobs()
        system.sign_in()
        shown = [
            [
                (action["business-status"]["code"], action["request-status"])
                for action in actions(system.get(OF_TASK.format(one.pk))).values()
            ]
            for one in (quiet, unopened)
        ]
        told = [
            [one["resource"]["status"] for one in body(system.get(EVENTS.format(pk)))["entry"]]
            for pk in (quiet.pk, unopened.pk)
        ]

    assert shown[0] == shown[1]
    assert told[0] == told[1]


@pytest.mark.parametrize("path", [EVERYTHING, EVENTS, OF_REQUEST, OF_TASK])
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_anothers_is_as_good_as_absent(
    referral: Referral,
    system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    path: str,
    method: str,
) -> None:
    stranger = cast.clinical_system(other_gp_system.organisation, scope=SCOPE)
    own = referral.patient_id if path == EVERYTHING else referral.pk

    def ask(asker: cast.ClinicalSystem, key: object) -> Answer:
        if method == "get":
            return asker.get(path.format(key))
        return asker.post(path.format(key), {"resourceType": "Parameters"})

    assert issues(ask(stranger, own), 404) == issues(ask(stranger, uuid4()), 404)
    assert issues(ask(stranger, "no-id"), 404)
    assert ask(system, own).status_code == 200


@pytest.mark.parametrize("path", [EVERYTHING, EVENTS, OF_REQUEST, OF_TASK])
def test_a_token_that_does_not_cover_it_opens_nothing(
    gp_system: cast.ClinicalSystem, referral: Referral, path: str
) -> None:
    narrow = cast.clinical_system(gp_system.organisation, scope="system/Provenance.r")

    assert issues(narrow.get(path.format(referral.pk)), 403)


def test_the_statement_names_the_operations(system: cast.ClinicalSystem) -> None:
    statement = body(system.get("/fhir/R4/metadata"))

    [rest] = statement["rest"]
    named_there = {
        (one["type"], operation["name"])
        for one in rest["resource"]
        for operation in one.get("operation", [])
    }
    assert {
        ("Patient", "everything"),
        ("Patient", "export"),
        ("Group", "export"),
        ("ServiceRequest", "events"),
        ("ServiceRequest", "available-actions"),
        ("Task", "available-actions"),
    } <= named_there
    assert "export" in {operation["name"] for operation in rest["operation"]}
