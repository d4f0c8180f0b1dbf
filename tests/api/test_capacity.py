"""``PUT /api/communities/<key>/capacity``, and where what is stated shows."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.timezone import localdate
from standardwebhooks import Webhook

from accounts.models import Organisation
from accounts.registering import make_host_key
from audit.models import Action, Entry
from communities.models import Capacity, Community, Reservation
from config.fictional import Person
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db

PUBLISHED = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"


def test_a_host_states_its_places(community: cast.Community) -> None:
    answer = community.state("f001", {"total": 40, "used": 38, "has_waiting_list": True})

    assert answer.status_code == 200
    assert answer.json() == {
        "state": "capacity",
        "total": 40,
        "used": 38,
        "free": 2,
        "waiting": 0,
        "has_waiting_list": True,
        "needs_assessment": False,
        "stated_on": str(localdate()),
        "fresh_until": str(localdate() + timedelta(days=28)),
    }
    stated = Capacity.objects.get(community__key="f001")
    assert stated.stated_by == f"host/{community.key.organisation_id}"


def test_whoever_joined_before_counts_as_placed(
    community: cast.Community,
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    placement = steps.joined(referral)

    answer = community.state(placement.community.key, {"total": 1})

    assert (answer.json()["used"], answer.json()["state"]) == (1, "no-capacity")
    assert Reservation.objects.get().holder == referral.pk


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"total": -1},
        {"total": "many"},
        {"total": 5, "used": None},
        {"total": 5, "waiting_list": True},
        {"total": 5, "fresh_until": "2020-01-01"},
        {"total": 5, "fresh_until": "9999-01-01"},
        {"total": 10**12},
        [],
        None,
    ],
    ids=str,
)
def test_what_cannot_be_understood_is_refused_and_changes_nothing(
    community: cast.Community, body: Any
) -> None:
    answer = community.state("f001", body)

    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert not Capacity.objects.exists()


@pytest.mark.parametrize("body", [b" ", b"{", b'{"total": 1' + b"[" * 10_000])
def test_what_is_no_json_is_refused(community: cast.Community, body: bytes) -> None:
    assert community.state("f001", body).status_code == 400
    assert community.state("f001", b"{}", content_type="text/plain").status_code == 415


def test_only_its_host_states_a_communitys_places(community: cast.Community) -> None:
    stranger = Organisation.objects.create(kind="host", name="Another host")
    other = cast.Community(make_host_key(host=stranger, at=community.key.registered_at))
    switched_off = cast.Community(
        make_host_key(host=community.key.organisation, at=community.key.registered_at)
    )
    type(switched_off.key).objects.filter(pk=switched_off.key.pk).update(is_active=False)

    refused = [other.state("f001", {"total": 0}), switched_off.state("f001", {"total": 0})]
    absent = community.state("nothing", {"total": 0})

    assert {(answer.status_code, answer.content) for answer in (*refused, absent)} == {
        (401, absent.content)
    }
    assert not Capacity.objects.exists()


def test_clinical_systems_read_whether_there_is_room(
    gp_system: cast.ClinicalSystem, community: cast.Community
) -> None:
    address = f"/fhir/R4/HealthcareService/{Community.objects.get(key='f001').pk}"
    before = gp_system.get(address)
    community.state("f001", {"total": 1, "used": 1, "has_waiting_list": True})

    after = gp_system.get(address)

    assert "waitlist" not in before.content.decode()
    assert after["ETag"] != before["ETag"]
    [extension] = [
        each
        for each in json.loads(after.content)["extension"]
        if each["url"].endswith("/StructureDefinition/capacity")
    ]
    assert extension["extension"][0]["valueCoding"] == {
        "system": PUBLISHED,
        "code": "waitlist",
        "display": "No Capacity - Has Waitlist",
    }
    assert [part["url"] for part in extension["extension"]] == ["status", "statedOn", "freshUntil"]


def put(community: cast.Community, to: str, body: bytes, headers: dict[str, str]) -> cast.Answer:
    return community.put_places(to, body, headers)


def test_an_earlier_statement_sent_again_does_not_undo_a_later_one(
    community: cast.Community,
) -> None:
    earlier = json.dumps({"community": "f001", "total": 500}).encode()
    headers = community.signed(earlier, timezone.now() - timedelta(seconds=3))
    assert put(community, "f001", earlier, headers).status_code == 200
    assert community.state("f001", {"total": 1}).status_code == 200

    again = put(community, "f001", earlier, headers)
    # Only whole seconds are signed: what else stands in the header proves nothing.
    late = headers | {"webhook-timestamp": headers["webhook-timestamp"] + ".9"}

    assert again.status_code == 409
    assert "already" in again.json()["errors"][0]["message"]
    assert put(community, "f001", earlier, late).status_code == 409
    assert Capacity.objects.get(community__key="f001").total == 1


def test_the_last_statement_sent_again_is_answered_alike_and_changes_nothing(
    community: cast.Community,
) -> None:
    body = json.dumps({"community": "f001", "total": 5}).encode()
    headers = community.signed(body)
    first = put(community, "f001", body, headers)
    entries = Entry.objects.filter(action=Action.PLACES_STATED).count()

    again = put(community, "f001", body, headers)

    assert (again.status_code, again.json()) == (200, first.json())
    assert Entry.objects.filter(action=Action.PLACES_STATED).count() == entries


def test_a_statement_counts_for_the_community_that_it_names(community: cast.Community) -> None:
    other = Community.objects.exclude(key="f001").filter(host=community.key.organisation).first()
    if other is None:
        other = Community.objects.get(key="f002")
        Community.objects.filter(pk=other.pk).update(host=community.key.organisation)
    body = json.dumps({"community": "f001", "total": 500}).encode()

    answer = put(community, other.key, body, community.signed(body))
    nameless = put(community, "f001", b'{"total": 5}', community.signed(b'{"total": 5}'))

    assert (answer.status_code, nameless.status_code) == (422, 422)
    assert "community" in answer.json()["errors"][0]["message"]
    assert not Capacity.objects.exists()


def test_the_id_of_a_statement_is_one_that_can_be_kept(community: cast.Community) -> None:
    body, at = json.dumps({"community": "f001", "total": 5}).encode(), timezone.now()
    message_id = "m" * 101
    signature = Webhook(community.key.secret).sign(message_id, at, body.decode())
    headers = community.signed(body, at) | {
        "webhook-id": message_id,
        "webhook-signature": signature,
    }

    assert put(community, "f001", body, headers).status_code == 422
    assert not Capacity.objects.exists()
