"""Changing the keys: nothing is lost, nobody is there twice, and the codes in patients' hands go on working."""

import json
import os
import threading
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.actors import Actor, ActorKind
from accounts.models import Organisation
from config.fictional import Person
from privacy.fields import key_ids
from privacy.rotating import keys_in_use, models_with_encrypted_fields
from privacy.tenancy import acting_for
from referrals import codes
from referrals.intake import NewPatient
from referrals.inviting import invite_patient
from referrals.matching import match_referral
from referrals.models import Link, Message, Patient, Referral
from referrals.patients import receive_patient
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link, written under the key of before."""
    return steps.invited(gp_system, person, run_jobs)


def add_key(settings: Settings) -> str:
    settings.FIELD_KEYS = [os.urandom(32), *settings.FIELD_KEYS]
    return key_ids()[0]


def take_old_keys_out(settings: Settings) -> None:
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]


def rotate() -> str:
    said = StringIO()
    call_command("rotate_field_keys", stdout=said)
    return said.getvalue()


def test_everything_encrypted_comes_under_the_newest_key(
    referral: Referral, community: cast.Community, settings: Settings
) -> None:
    patient = referral.patient
    plain = (
        patient.nhs_number,
        patient.given_name,
        patient.document,
        referral.documents.get().text,
    )
    newest = add_key(settings)

    said = rotate()

    assert community
    for model in models_with_encrypted_fields():
        assert keys_in_use(model) <= {newest}
        assert f"{model._meta.db_table}: " in said
    assert "referrals_patient: 1 rows encrypted again" in said
    assert keys_in_use(Patient) == {newest}
    take_old_keys_out(settings)
    referral = Referral.objects.select_related("patient").get()
    patient = referral.patient
    now = (patient.nhs_number, patient.given_name, patient.document, referral.documents.get().text)
    assert now == plain


def test_running_it_again_changes_nothing_and_says_which_keys_can_go(
    referral: Referral, settings: Settings
) -> None:
    assert referral
    [old] = key_ids()
    newest = add_key(settings)
    rotate()

    said = rotate()

    changed = [line for line in said.splitlines() if " rows " in line]
    assert changed
    assert all(": 0 rows " in line for line in changed)
    assert f"Key {newest}: the newest, in use." in said
    assert f"Key {old}: no longer needed" in said


def test_a_key_is_kept_while_requests_made_under_it_may_be_repeated(
    gp_system: cast.ClinicalSystem, person: Person, settings: Settings
) -> None:
    [_old] = key_ids()
    body = json.dumps(cast.referral_for(person))
    first = gp_system.post("/fhir/R4/ServiceRequest", body, Idempotency_Key="rotate-1")
    settings.FIELD_KEYS = [os.urandom(32), *settings.FIELD_KEYS]

    said = rotate()
    again = gp_system.post("/fhir/R4/ServiceRequest", body, Idempotency_Key="rotate-1")

    assert "requests that may be sent again are known by it until" in said
    assert (again.status_code, again["Location"]) == (201, first["Location"])
    with time_machine.travel(timezone.now() + timedelta(days=36)):
        assert "may be sent again" not in rotate()


def test_a_patient_is_found_by_number_during_the_change_and_after_it(
    gp_system: cast.ClinicalSystem, person: Person, referral: Referral, settings: Settings
) -> None:
    add_key(settings)
    assert gp_system.refer(person).status_code == 201
    rotate()
    take_old_keys_out(settings)

    assert gp_system.refer(person).status_code == 201

    assert Patient.objects.get().pk == referral.patient_id
    assert Referral.objects.count() == 3


@pytest.mark.parametrize("channel", ["sms", "letter"])
def test_codes_in_patients_hands_outlive_two_changes_of_the_key(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    patient_browser: Client,
    settings: Settings,
    channel: str,
) -> None:
    resource = cast.referral_for(person)
    if channel == "letter":
        resource["contained"][0].pop("telecom")
    assert gp_system.post("/fhir/R4/ServiceRequest", resource).status_code == 201
    run_jobs()
    link = Link.objects.get()
    in_hand = [codes.code_of(link)] + ([codes.typed_code_of(link)] if channel == "letter" else [])
    add_key(settings)
    for code in in_hand:
        assert opens(code, person)

    rotate()
    take_old_keys_out(settings)

    assert all(opens(code, person) for code in in_hand)
    second = key_ids()[0]
    add_key(settings)
    said = rotate()
    # The code cannot be worked out any more, so its hash stays as it is: the command says so.
    assert f"Key {second}: patients hold codes that need it until" in said
    assert all(opens(code, person) for code in in_hand)
    take_old_keys_out(settings)
    assert not any(opens(code, person) for code in in_hand)


def opens(code: str, person: Person) -> bool:
    answer = cast.open_link(Client(), f"/r/{code}", person)
    return answer.status_code == 302


def test_a_message_that_waited_too_long_gets_a_new_link(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
    patient_browser: Client,
    settings: Settings,
) -> None:
    referral = steps.referred(gp_system, person)
    match_referral(referral_id=referral.pk, at=timezone.now())
    invite_patient(referral_id=referral.pk, at=timezone.now())
    add_key(settings)
    rotate()
    take_old_keys_out(settings)

    run_jobs()

    assert Link.objects.count() == 2
    assert Message.objects.get().link == Link.objects.latest("made_at")
    path = cast.link_in(messages()[0])
    assert cast.open_link(patient_browser, path, person)["Location"] == "/r/about"


def test_a_missing_key_is_named(referral: Referral, settings: Settings) -> None:
    assert referral
    [old] = key_ids()
    settings.FIELD_KEYS = [os.urandom(32)]

    with pytest.raises(CommandError, match=rf"The key {old} is not in FIELD_KEYS.*Put it back"):
        rotate()


def test_what_an_older_process_wrote_meanwhile_is_seen(
    referral: Referral, settings: Settings
) -> None:
    [old] = settings.FIELD_KEYS
    old_id = key_ids()[0]
    newest = add_key(settings)
    rotate()
    settings.FIELD_KEYS = [old, settings.FIELD_KEYS[0]]  # a process that has the new key behind

    referral.patient.save()

    settings.FIELD_KEYS = settings.FIELD_KEYS[::-1]
    assert keys_in_use(Patient) == {old_id}
    rotate()
    assert keys_in_use(Patient) == {newest}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_two_processes_with_the_keys_in_another_order_write_one_patient(settings: Settings) -> None:
    practice = Organisation.objects.get(ods_code=cast.PRACTICE)
    own, keys = threading.local(), [*settings.FIELD_KEYS, os.urandom(32)]
    barrier = threading.Barrier(8)

    class Keys:
        """Each thread is a process with its own order of the keys."""

        def __iter__(self) -> object:
            return iter(own.keys)

        def __getitem__(self, place: object) -> object:
            return own.keys[place]

    def receive(order: int) -> None:
        own.keys = keys[:: -1 if order % 2 else 1]
        new = NewPatient(document="{}", birth_date=timezone.localdate(), nhs_number="9990000018")
        by = Actor(ActorKind.CLIENT, "x", practice.pk)
        with acting_for(practice.pk):
            barrier.wait()  # connected, and in a transaction
            receive_patient(new=new, by=by, at=timezone.now())
        connections.close_all()

    settings.FIELD_KEYS = Keys()
    threads = [threading.Thread(target=receive, args=(order,)) for order in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Patient.objects.filter(practice=practice).values("pk").count() == 1
