"""Subscription over HTTP: made, read, changed, found and taken away by its own client only."""

from typing import Any
from uuid import uuid4

import pytest

from integrations.fhir.subscriptions.models import Event, Subscription
from tests import cast
from tests.api.answers import issues, places
from tests.integrations.fhir.cast import check
from tests.integrations.fhir.subscriptions.subscriber import BASE, SCOPE, wish
from tests.integrations.outbound.conftest import Internet

pytestmark = pytest.mark.django_db
PLACE = "/fhir/R4/Subscription"


@pytest.fixture
def system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A clinical system that may subscribe."""
    return cast.clinical_system(gp_system.organisation, scope=SCOPE)


@pytest.fixture
def made(system: cast.ClinicalSystem) -> dict[str, Any]:
    """A subscription of it."""
    answer = system.post(PLACE, wish())
    assert answer.status_code == 201, answer.content
    resource: dict[str, Any] = answer.json()
    return resource


def test_it_is_made_requested_and_then_active(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    answer = system.post(PLACE, wish(status="active"))

    made = answer.json()
    assert (answer.status_code, made["status"]) == (201, "requested")
    assert answer["Location"] == f"{BASE}/Subscription/{made['id']}/_history/1"
    assert answer["ETag"] == 'W/"1"'
    assert system.get(f"{PLACE}/{made['id']}").json() == made

    run_jobs()

    read = system.get(f"{PLACE}/{made['id']}")
    assert (read.json()["status"], read["ETag"]) == ("active", 'W/"2"')
    assert system.get(f"{PLACE}/{made['id']}/_history/1").json() == made
    assert system.get(f"{PLACE}/{made['id']}/_history").json()["total"] == 2


def test_every_fault_is_answered_with_its_place(system: cast.ClinicalSystem) -> None:
    answer = system.post(PLACE, wish("none", channel={"endpoint": "https://10.0.0.1/"}))

    assert places(issues(answer, 422)) == {
        ("not-supported", "Subscription.criteria"),
        ("value", "Subscription.channel.endpoint"),
    }
    assert not Subscription.objects.exists()


def test_it_is_changed_by_put_and_by_patch_under_its_version(
    system: cast.ClinicalSystem, made: dict[str, Any]
) -> None:
    place = f"{PLACE}/{made['id']}"

    put = system.put(place, made | {"reason": "Another"}, If_Match='W/"1"')
    stale = system.put(place, made, If_Match='W/"1"')
    patched = system.patch(place, [{"op": "replace", "path": "/status", "value": "off"}])

    assert (put.status_code, put.json()["reason"]) == (200, "Another")
    issues(stale, 412)
    assert (patched.status_code, patched.json()["status"]) == (200, "off")
    assert patched["ETag"] == 'W/"3"'


def test_what_is_taken_away_is_gone(system: cast.ClinicalSystem, made: dict[str, Any]) -> None:
    place = f"{PLACE}/{made['id']}"

    answer = system.delete(place)

    assert (answer.status_code, answer.content) == (204, b"")
    for later in (
        system.get(place),
        system.get(f"{place}/_history/2"),
        system.put(place, made),
        system.patch(place, [{"op": "replace", "path": "/status", "value": "off"}]),
    ):
        assert issues(later, 410)[0]["code"] == "deleted"
    issues(system.get(f"{place}/_history/3"), 404)
    assert system.delete(place).status_code == 204
    assert system.get(PLACE).json()["total"] == 0
    assert not Event.objects.exists()


def test_what_was_taken_away_keeps_its_history_without_its_keys(
    system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem
) -> None:
    made = system.post(PLACE, wish(channel={"header": ["Authorization: Bearer secret"]})).json()
    place = f"{PLACE}/{made['id']}"
    system.put(place, made | {"reason": "Another"})
    system.delete(place)

    history = system.get(f"{place}/_history").json()
    first = system.get(f"{place}/_history/1").json()

    assert check(history) == []
    asked = [(one["request"]["method"], one["response"]["etag"]) for one in history["entry"]]
    assert asked == [("DELETE", 'W/"3"'), ("PUT", 'W/"2"'), ("POST", 'W/"1"')]
    assert ["resource" in entry for entry in history["entry"]] == [False, True, True]
    assert first["reason"] == made["reason"]
    assert set(first["channel"]) == set(made["channel"]) - {"endpoint", "header"}
    row = Subscription.objects.get()
    assert (row.status, row.endpoint, row.headers, row.due_at) == ("off", "", "", None)
    assert system.get(f"{PLACE}/_history").json()["total"] == 3
    stranger = cast.clinical_system(other_gp_system.organisation, scope=SCOPE)
    for suffix in ("", "/_history", "/_history/1"):
        issues(stranger.get(f"{place}{suffix}"), 404)


def test_one_finds_ones_own_by_status(system: cast.ClinicalSystem, made: dict[str, Any]) -> None:
    off = system.post(PLACE, wish(status="off")).json()

    def found(query: str) -> set[str]:
        entries = system.get(f"{PLACE}{query}").json().get("entry", [])
        return {entry["resource"]["id"] for entry in entries}

    assert found("") == {made["id"], off["id"]}
    assert found("?status=off") == {off["id"]}
    assert found(f"?_id={made['id']}") == {made["id"]}


def test_anothers_is_answered_like_an_absent_one(
    system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, made: dict[str, Any]
) -> None:
    colleague = cast.clinical_system(system.organisation, scope=SCOPE)
    stranger = cast.clinical_system(other_gp_system.organisation, scope=SCOPE)

    for other in (colleague, stranger):
        for verb in ("get", "put", "delete"):
            foreign, absent = (
                getattr(other, verb)(
                    f"{PLACE}/{one}", *([made | {"id": one}] if verb == "put" else [])
                )
                for one in (made["id"], str(uuid4()))
            )
            assert (foreign.status_code, foreign.content) == (404, absent.content)
        assert other.get(PLACE).json()["total"] == 0


def test_each_interaction_needs_its_letter(
    gp_system: cast.ClinicalSystem, made: dict[str, Any]
) -> None:
    narrow = cast.clinical_system(gp_system.organisation, scope="system/Task.rs")
    place = f"{PLACE}/{made['id']}"

    issues(narrow.post(PLACE, wish()), 403)
    issues(narrow.get(place), 403)
    issues(narrow.put(place, made), 403)
    issues(narrow.delete(place), 403)
