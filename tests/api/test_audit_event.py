"""AuditEvent: a practice sees what was done in its own name, and nothing that others did."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from accounts import scopes
from accounts.actors import SYSTEM, Actor, ActorKind, patient_actor
from audit.models import Action, Entry
from audit.recording import record
from config.fictional import Person
from integrations.fhir import audit_event
from privacy.tenancy import acting_for
from referrals.models import Referral
from tests import cast
from tests.api.answers import Answer, issues
from tests.integrations.fhir.cast import AT, BASE_URL, check
from tests.referrals import steps

pytestmark = pytest.mark.django_db

SCOPE = f"{scopes.DEFAULT} system/AuditEvent.rs"
SOME_ID = (
    "0190a000-0000-4000-8000-000000000000"  # the same in every process that collects the tests
)
PATH = "/fhir/R4/AuditEvent"


@pytest.fixture
def auditor(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """Another system of the same practice, which may also see the audit."""
    return cast.clinical_system(gp_system.organisation, scope=SCOPE)


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person) -> Referral:
    """A referral that its practice has read once."""
    referral = steps.referred(gp_system, person)
    assert gp_system.get(f"/fhir/R4/ServiceRequest/{referral.pk}").status_code == 200
    return referral


def body(answer: Answer) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


def found(answer: Answer) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in body(answer).get("entry", [])]


def test_what_was_done_to_a_referral_is_found_the_newest_first(
    auditor: cast.ClinicalSystem, gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    answer = auditor.get(f"{PATH}?entity=ServiceRequest/{referral.pk}")

    bundle = body(answer)
    assert check(bundle) == []
    assert (bundle["total"], [link["relation"] for link in bundle["link"]]) == (3, ["self"])
    assert [event["action"] for event in found(answer)] == ["R", "U", "C"]
    read = found(answer)[0]
    assert read == {
        "resourceType": "AuditEvent",
        "id": read["id"],
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
            "display": "RESTful Operation",
        },
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "read"}],
        "action": "R",
        "recorded": read["recorded"],
        "outcome": "0",
        "agent": [
            {
                "who": {
                    "identifier": {
                        "system": "http://127.0.0.1:8000/fhir/Id/client",
                        "value": gp_system.client_id,
                    }
                },
                "requestor": True,
            }
        ],
        "source": {
            "observer": {"display": "Peer-support referral service"},
            "type": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                    "code": "4",
                    "display": "Application Server",
                }
            ],
        },
        "entity": [
            {
                "what": {"reference": f"{kind}/{referral.pk}"},
                "type": {
                    "system": "http://terminology.hl7.org/CodeSystem/audit-entity-type",
                    "code": "2",
                    "display": "System Object",
                },
            }
            for kind in ("ServiceRequest", "Task")
        ],
    }
    assert body(auditor.get(f"{PATH}/{read['id']}")) == read


def test_what_was_done_to_a_referral_was_done_to_its_task(
    auditor: cast.ClinicalSystem, referral: Referral
) -> None:
    of_request = found(auditor.get(f"{PATH}?entity=ServiceRequest/{referral.pk}"))
    of_task = found(auditor.get(f"{PATH}?entity=Task/{referral.pk}"))

    assert of_task == of_request
    assert len(of_task) == 3


def test_events_are_sorted_by_their_date(auditor: cast.ClinicalSystem, referral: Referral) -> None:
    path = f"{PATH}?entity=Task/{referral.pk}&_sort="

    assert [event["action"] for event in found(auditor.get(f"{path}date"))] == ["C", "U", "R"]
    assert [event["action"] for event in found(auditor.get(f"{path}-date"))] == ["R", "U", "C"]


def test_neither_the_patients_nor_the_services_doings_are_shown(
    auditor: cast.ClinicalSystem, referral: Referral
) -> None:
    practice = referral.practice_id
    with acting_for(practice):
        for by in (patient_actor(referral.pk), SYSTEM):
            record(Action.REFERRAL_MOVED, by=by, at=AT, target=f"ServiceRequest/{referral.pk}")
        host = Actor(ActorKind.HOST, str(uuid4()), uuid4())
        record(Action.REFERRAL_MOVED, by=host, at=AT, target=f"ServiceRequest/{referral.pk}")
    hidden = Entry.objects.filter(action=Action.REFERRAL_MOVED).exclude(organisation_id=practice)
    ids = list(hidden.values_list("pk", flat=True))

    events = found(auditor.get(f"{PATH}?entity=ServiceRequest/{referral.pk}"))

    assert len(ids) >= 3
    assert [event["action"] for event in events] == ["R", "U", "C"]
    addresses = [f"{PATH}/{audit_event.id_of(Entry(pk=pk))}" for pk in ids]
    assert {auditor.get(address).status_code for address in addresses} == {404}


def test_another_practice_sees_none_of_it(
    other_gp_system: cast.ClinicalSystem, auditor: cast.ClinicalSystem, referral: Referral
) -> None:
    stranger = cast.clinical_system(other_gp_system.organisation, scope=SCOPE)
    event = found(auditor.get(f"{PATH}?entity=ServiceRequest/{referral.pk}"))[0]

    assert found(stranger.get(f"{PATH}?entity=ServiceRequest/{referral.pk}")) == []
    foreign, absent = stranger.get(f"{PATH}/{event['id']}"), stranger.get(f"{PATH}/{10**17}")
    assert issues(foreign, 404) == issues(absent, 404)


def test_a_practice_sees_what_it_was_denied(
    auditor: cast.ClinicalSystem, gp_system: cast.ClinicalSystem
) -> None:
    absent = uuid4()
    gp_system.get(f"/fhir/R4/Patient/{absent}")

    [event] = found(auditor.get(f"{PATH}?entity=Patient/{absent}"))

    assert (event["outcome"], event["type"]["code"]) == ("4", "110113")


def test_a_long_answer_comes_in_pages_that_lead_to_each_other(
    auditor: cast.ClinicalSystem, gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    for _reading in range(3):
        gp_system.get(f"/fhir/R4/ServiceRequest/{referral.pk}")
    path, pages = f"{PATH}?entity=ServiceRequest/{referral.pk}&_count=2&_total=accurate", []

    while path:
        page = body(auditor.get(path))
        assert page["total"] == 6
        pages.append([entry["resource"]["id"] for entry in page["entry"]])
        links = {link["relation"]: link["url"] for link in page["link"]}
        path = links.get("next", "").removeprefix("http://127.0.0.1:8000")

    ids = [event_id for page in pages for event_id in page]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert len(set(ids)) == 6


@pytest.mark.parametrize(
    "query",
    ["?entity=", f"?entity=ServiceRequest/{SOME_ID}&_count=many", "?before=-1", "?patient=1"],
)
def test_a_search_that_is_not_understood_is_refused(
    auditor: cast.ClinicalSystem, query: str
) -> None:
    assert issues(auditor.get(f"{PATH}{query}"), 400)


@pytest.mark.parametrize("target", ["ServiceRequest/one", f"Placement/{SOME_ID}", "one"])
def test_what_is_nothing_of_ours_was_never_touched(
    auditor: cast.ClinicalSystem, referral: Referral, target: str
) -> None:
    assert body(auditor.get(f"{PATH}?entity={target}"))["total"] == 0


def test_more_than_a_hundred_on_a_page_are_a_hundred(
    auditor: cast.ClinicalSystem, referral: Referral
) -> None:
    who = Actor(ActorKind.CLIENT, auditor.client_id, referral.practice_id)
    with acting_for(referral.practice_id):
        for _reading in range(101):
            record(Action.REFERRAL_READ, by=who, at=AT, target=f"ServiceRequest/{referral.pk}")

    page = body(
        auditor.get(f"{PATH}?entity=ServiceRequest/{referral.pk}&_count=5000&_total=accurate")
    )

    assert (len(page["entry"]), page["total"]) == (100, 104)


@pytest.mark.parametrize("asked", ["0", "-1", "one", "9" * 19, SOME_ID])
def test_what_is_no_number_of_an_entry_is_not_found(
    auditor: cast.ClinicalSystem, asked: str
) -> None:
    issues(auditor.get(f"{PATH}/{asked}"), 404)


@pytest.mark.parametrize("path", [f"{PATH}/1", f"{PATH}?entity=ServiceRequest/{SOME_ID}"])
def test_the_audit_is_closed_without_its_scope(
    gp_system: cast.ClinicalSystem, stranger: Client, path: str
) -> None:
    issues(gp_system.get(path), 403)
    issues(stranger.get(path), 401)


@pytest.mark.parametrize("action", Action.values)
@pytest.mark.parametrize("target", ["", "Placement/7", f"Patient/{SOME_ID}", f"Task/{SOME_ID}"])
def test_every_entry_can_be_told_as_sound_r4(action: str, target: str) -> None:
    entry = Entry(pk=7, at=AT, action=action, actor="client/one", target=target)

    assert check(audit_event.render(entry, base_url=BASE_URL)) == []


def test_the_ids_of_events_do_not_count_what_is_not_shown(
    auditor: cast.ClinicalSystem, referral: Referral
) -> None:
    ids = [
        event["id"] for event in found(auditor.get(f"{PATH}?entity=ServiceRequest/{referral.pk}"))
    ]

    numbers = [audit_event.number_of(UUID(name)) for name in ids]

    assert None not in numbers
    assert all(UUID(name).int > 2**100 for name in ids)
    assert audit_event.number_of(UUID(int=5)) is None
