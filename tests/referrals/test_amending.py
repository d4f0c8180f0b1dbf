"""What a requester may do with a referral: by what the practice was told, never by a step that was kept from it."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.actors import SYSTEM, patient_actor
from audit.models import Entry
from communities.models import Community, Condition
from config.fictional import Person, people
from jobs.models import Job, JobKind
from referrals import codes, placing, responding
from referrals.amending import StaleVersion, amend_patient, amend_referral
from referrals.intake import Coding, Identifier, KnownPatient, NewReferral, PatientByNhsNumber
from referrals.inviting import invite_patient
from referrals.lifecycle import BusinessStatus, MoveNotAllowed
from referrals.matching import match_referral
from referrals.models import (
    Message,
    MessageState,
    PatientVersion,
    PracticeTask,
    Referral,
    ReferralDocument,
    StatusChange,
)
from referrals.patients import receive_patient
from referrals.reading import Seen
from referrals.refusals import ReferralRefused
from referrals.renewing import NothingToRenew, renew_link
from referrals.responding import LinkDead
from referrals.selectors import (
    change_at,
    newest_change,
    newest_told,
    patient_versions,
    practice_tasks,
    told_changes,
    visible_patients,
)
from referrals.tasking import amend_task, attach_task
from tests import cast
from tests.referrals import steps
from tests.referrals.test_silence import WAYS

pytestmark = pytest.mark.django_db

ANXIETY = Coding(system="http://snomed.info/sct", code="197480006")
DEPRESSION_AND_ANXIETY = (ANXIETY, Coding(system="http://snomed.info/sct", code="35489007"))


def amend(system: cast.ClinicalSystem, referral: Referral, new: NewReferral, **more: Any) -> Seen:
    given = {"expected_version": None, "at": timezone.now(), **more}
    done = amend_referral(referral_id=referral.pk, new=new, by=steps.actor_of(system), **given)
    assert done
    return done


def withdraw(system: cast.ClinicalSystem, referral: Referral, **more: Any) -> Seen:
    given = {
        "is_mistake": False,
        "reason_text": "",
        "expected_version": None,
        "at": timezone.now(),
        **more,
    }
    done = steps.withdraw_referral(referral_id=referral.pk, by=steps.actor_of(system), **given)
    assert done
    return done


def told_of(referral: Referral) -> list[tuple[int, str, str]]:
    """The history that the practice sees."""
    rows = referral.changes.filter(is_told=True).order_by("version")
    return list(rows.values_list("version", "business_status", "reason"))


# Drafts


def test_a_draft_is_kept_and_nothing_happens_to_it(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.drafted(gp_system, person)

    run_jobs()

    referral.refresh_from_db()
    assert (referral.status, referral.task_status, referral.version) == ("draft", "draft", 1)
    assert referral.issued_at is None
    assert not referral.messages.exists()


def test_a_draft_that_is_issued_goes_its_way(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.drafted(gp_system, person)
    later = timezone.now() + timedelta(days=2)

    with time_machine.travel(later, tick=False):
        done = amend(gp_system, referral, steps.new_referral(person))
        run_jobs()

    referral.refresh_from_db()
    assert (done.change.business_status, done.change.version) == ("received-by-service", 2)
    assert referral.received_at < later == referral.issued_at
    assert [state for _, state, _ in told_of(referral)] == [
        "drafted",
        "received-by-service",
        "matched",
        "invitation-sent",
    ]


def test_a_draft_may_get_another_reason_and_stays_a_draft(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.drafted(gp_system, person)
    new = steps.new_referral(person, status="draft", reasons=(ANXIETY,))

    amend(gp_system, referral, new)

    assert told_of(referral) == [(1, "drafted", ""), (2, "drafted", "corrected")]
    assert list(referral.conditions.all()) == list(Condition.objects.filter(key="anxiety"))
    assert not Job.objects.filter(kind=JobKind.MATCH).exists()


# Correcting


def _document_at(referral: Referral, version: int) -> str | None:
    change = change_at(referral, version)
    return change.request_document.text if change else None


def test_every_version_shows_the_document_that_it_was_made_with(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    first = _document_at(referral, 1)
    new = steps.new_referral(person, document='{"amount": 1.50}')

    done = amend(gp_system, referral, new)

    assert done.change.version == 4
    shown = [_document_at(referral, version) for version in range(1, 6)]
    assert shown == [first, first, first, '{"amount": 1.50}', None]


def test_a_correction_is_one_version_and_the_state_stays(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    at = timezone.now() + timedelta(hours=1)

    amend(gp_system, referral, steps.new_referral(person, priority="urgent"), at=at)

    referral.refresh_from_db()
    assert referral.priority == "urgent"
    assert told_of(referral)[-1] == (4, "invitation-sent", "corrected")
    assert (referral.version, referral.told_at) == (4, at)
    newest = newest_change(referral)
    assert (newest.by, newest.at) == (steps.actor_of(gp_system).label, at)
    assert Entry.objects.filter(actor=newest.by, target=f"ServiceRequest/{referral.pk}").exists()


def test_another_reason_before_matching_is_what_the_matcher_reads(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.referred(gp_system, person)

    amend(gp_system, referral, steps.new_referral(person, reasons=DEPRESSION_AND_ANXIETY))
    run_jobs()

    run = referral.match_runs.get()
    assert json.loads(run.asked)["condition_keys"] == ["anxiety", "depression"]


def test_what_could_not_be_matched_is_matched_again_when_corrected(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    Community.objects.update(listing="suspended")
    referral = steps.invited(gp_system, person, run_jobs)
    assert referral.business_status == "no-match"
    Community.objects.update(listing="listed")

    amend(gp_system, referral, steps.new_referral(person))
    run_jobs()

    referral.refresh_from_db()
    assert referral.business_status == "invitation-sent"
    assert [state for _, state, _ in told_of(referral)][1:3] == ["no-match", "received-by-service"]


def test_another_reason_after_matching_is_refused(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    before = told_of(referral)

    with pytest.raises(ReferralRefused, match="refer again") as refused:
        amend(gp_system, referral, steps.new_referral(person, reasons=(ANXIETY,)))

    assert refused.value.element == "ServiceRequest.reasonCode"
    assert told_of(referral) == before
    assert ReferralDocument.objects.count() == 1


@pytest.mark.parametrize("status", ["draft", "active", "revoked", "entered-in-error"])
def test_a_referral_stays_that_of_its_patient(
    gp_system: cast.ClinicalSystem, person: Person, status: str
) -> None:
    referral = steps.drafted(gp_system, person)
    stranger = next(people(seed=99))
    other = receive_patient(
        new=steps.new_patient(stranger), by=steps.actor_of(gp_system), at=timezone.now()
    ).patient

    for subject in (
        steps.new_patient(stranger),
        steps.new_patient(person, nhs_number="", birth_date=stranger.birth_date),
        KnownPatient(patient_id=other.pk),
        KnownPatient(patient_id=uuid4()),
        KnownPatient(patient_id=referral.patient_id, nhs_number=stranger.nhs_number),
        PatientByNhsNumber(nhs_number=stranger.nhs_number),
    ):
        new = steps.new_referral(person, status=status, subject=subject)
        with pytest.raises(ReferralRefused) as refused:
            amend(gp_system, referral, new)
        assert refused.value.element == "ServiceRequest.subject"
    assert told_of(referral) == [(1, "drafted", "")]


def test_the_patient_inside_is_brought_up_to_date_when_it_says_something_else(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.drafted(gp_system, person)
    same = steps.new_patient(person)
    moved = steps.new_patient(person, document='{"new": 1}', phone="07700900999")

    amend(gp_system, referral, steps.new_referral(person, status="draft", subject=same))
    amend(gp_system, referral, steps.new_referral(person, status="draft", subject=moved))

    patient = referral.patient
    patient.refresh_from_db()
    assert (patient.version, patient.phone) == (2, "07700900999")
    rows = PatientVersion.objects.order_by("version").values_list("version", "document")
    assert list(rows) == [(1, same.document), (2, '{"new": 1}')]


def test_an_identifier_of_another_referral_is_refused_and_is_no_repeat(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    identifier = Identifier(system="https://gp.example/referral", value="R-1")
    first = steps.drafted(gp_system, person)
    second = steps.drafted(gp_system, person)
    new = steps.new_referral(person, status="draft", identifiers=(identifier,))
    amend(gp_system, first, new)
    amend(gp_system, first, new)

    with pytest.raises(ReferralRefused) as refused:
        amend(gp_system, second, new)

    assert refused.value.element == "ServiceRequest.identifier"


def test_who_read_an_older_version_is_told_the_newest(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)

    with pytest.raises(StaleVersion) as stale:
        withdraw(gp_system, referral, expected_version=2)

    assert stale.value.current == 3
    assert withdraw(gp_system, referral, expected_version=3).change.version == 4


def test_another_practices_referral_is_as_if_it_were_not_there(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.drafted(gp_system, person)
    by, at = steps.actor_of(other_gp_system), timezone.now()
    new = steps.new_referral(person)

    for pk in (referral.pk, uuid4()):
        assert amend_referral(referral_id=pk, new=new, expected_version=9, by=by, at=at) is None
        assert (
            steps.withdraw_referral(
                referral_id=pk,
                is_mistake=True,
                reason_text="",
                expected_version=9,
                by=by,
                at=at,
            )
            is None
        )
        assert attach_task(referral_id=pk, document="{}", status="draft", by=by, at=at) is None
        assert (
            amend_patient(
                patient_id=referral.patient_id if pk == referral.pk else pk,
                new=steps.new_patient(person),
                expected_version=9,
                by=by,
                at=at,
            )
            is None
        )
    assert not told_changes(by).exists()
    assert not patient_versions(by).exists()


# Whether the patient may be contacted


def test_whoever_must_no_longer_be_contacted_is_not(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = _matched_and_not_yet_sent(gp_system, person)

    amend(gp_system, referral, steps.new_referral(person, is_contact_prohibited=True))
    run_jobs()

    assert Message.objects.get().state == MessageState.WITHDRAWN
    assert referral.links.get().revoked_at
    assert PracticeTask.objects.get().kind == "contact-prohibited"


def test_whoever_may_be_contacted_again_is(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = _matched_and_not_yet_sent(gp_system, person)
    amend(gp_system, referral, steps.new_referral(person, is_contact_prohibited=True))

    amend(gp_system, referral, steps.new_referral(person))
    run_jobs()

    referral.refresh_from_db()
    assert referral.business_status == "invitation-sent"
    assert PracticeTask.objects.get().done_at
    assert referral.links.filter(revoked_at__isnull=True).count() == 1


def _matched_and_not_yet_sent(system: cast.ClinicalSystem, person: Person) -> Referral:
    referral = steps.referred(system, person)
    match_referral(referral_id=referral.pk, at=timezone.now())
    invite_patient(referral_id=referral.pk, at=timezone.now())
    referral.refresh_from_db()
    return referral


# Taking back


@pytest.mark.parametrize(
    ("is_mistake", "state", "statuses"),
    [
        (False, "withdrawn", ("revoked", "cancelled")),
        (True, "entered-in-error", ("entered-in-error", "entered-in-error")),
    ],
)
def test_a_referral_that_is_taken_back_invites_nobody(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    is_mistake: bool,
    state: str,
    statuses: tuple[str, str],
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    code = codes.code_of(referral.links.get())

    done = withdraw(gp_system, referral, is_mistake=is_mistake, reason_text="Sent twice")

    referral.refresh_from_db()
    assert referral.business_status == done.change.business_status == state
    assert (referral.status, referral.task_status) == statuses
    assert done.change.reason_text == "Sent twice"
    with pytest.raises(LinkDead):
        responding.open_link(code=code, birth_date=person.birth_date, at=timezone.now())


def test_what_waits_is_not_sent_after_a_withdrawal(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    referral = _matched_and_not_yet_sent(gp_system, person)

    withdraw(gp_system, referral)
    run_jobs()

    assert messages() == []
    assert Message.objects.get().state == MessageState.WITHDRAWN
    assert told_of(referral)[-1][1] == "withdrawn"


def test_the_senders_words_are_not_in_the_database_in_clear(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.drafted(gp_system, person)
    withdraw(gp_system, referral, reason_text="Alex has moved away")

    rows = StatusChange.objects.annotate(stored=Cast("sender_text", TextField()))

    stored = rows.order_by("-pk").values_list("stored", flat=True)[0]
    assert stored
    assert "moved" not in stored


def test_a_place_in_a_community_stays_the_patients(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    placement = steps.joined(referral, tells_practice=False)
    code = codes.code_of(referral.links.get())
    withdraw(gp_system, referral)

    placing.note_active(placement=placement, by=steps.host_of(placement), at=timezone.now())
    responding.open_link(code=code, birth_date=person.birth_date, at=timezone.now())
    renew_link(reference=referral.reference, by=SYSTEM, at=timezone.now())
    placement.refresh_from_db()
    assert placement.left_at is None
    placing.leave(
        referral_id=referral.pk, reason="", by=patient_actor(referral.pk), at=timezone.now()
    )

    referral.refresh_from_db()
    placement.refresh_from_db()
    assert placement.left_at
    assert referral.active_at
    assert referral.business_status == "withdrawn"
    assert told_of(referral)[-1][1] == "withdrawn"


def test_nobody_joins_and_nothing_is_told_after_a_withdrawal(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    placement = steps.joined(referral, tells_practice=False)
    withdraw(gp_system, referral)
    before = told_of(referral)
    first, second = referral.offers.order_by("rank")[:2]
    join = partial(placing.join, referral_id=referral.pk, counts_visits=True, at=timezone.now())

    join(offer_id=first.pk, tells_practice=True)
    with pytest.raises(MoveNotAllowed):
        join(offer_id=second.pk, tells_practice=True)

    placement.refresh_from_db()
    assert placement.left_at is None
    assert told_of(referral) == before


def test_the_operator_renews_no_link_of_a_withdrawn_referral_without_a_place(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    withdraw(gp_system, referral)

    with pytest.raises(NothingToRenew):
        renew_link(reference=referral.reference, by=SYSTEM, at=timezone.now())


def test_the_way_back_is_renewed_for_nobody_but_the_operator(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    steps.joined(referral, tells_practice=False)
    withdraw(gp_system, referral)

    with pytest.raises(NothingToRenew):
        renew_link(reference=referral.reference, by=steps.actor_of(gp_system), at=timezone.now())


def test_what_is_over_can_only_be_said_to_be_a_mistake(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    responding.decline(referral_id=referral.pk, reason="", at=timezone.now())

    acts: list[Callable[[], object]] = [
        lambda: withdraw(gp_system, referral),
        lambda: amend(gp_system, referral, steps.new_referral(person)),
        lambda: amend(gp_system, referral, steps.new_referral(person, status="revoked")),
    ]
    for act in acts:
        with pytest.raises(MoveNotAllowed) as refused:
            act()
        assert refused.value.allowed == ("entered-in-error",)
    withdraw(gp_system, referral, is_mistake=True)
    with pytest.raises(MoveNotAllowed) as refused:
        withdraw(gp_system, referral, is_mistake=True)
    assert refused.value.allowed == ()


# Silence


def _write_task(status: str, system: cast.ClinicalSystem, referral: Referral, _: Person) -> object:
    return amend_task(
        task_id=referral.pk,
        document="{}",
        status=status,
        reason_text="Why",
        expected_version=None,
        by=steps.actor_of(system),
        at=timezone.now(),
    )


ACTS: dict[str, Callable[..., object]] = {
    "correct": lambda s, r, p: amend(s, r, steps.new_referral(p, priority="urgent")),
    "another reason": lambda s, r, p: amend(s, r, steps.new_referral(p, reasons=(ANXIETY,))),
    "another patient": lambda s, r, p: amend(
        s, r, steps.new_referral(p, subject=KnownPatient(patient_id=uuid4()))
    ),
    "prohibit contact": lambda s, r, p: amend(
        s, r, steps.new_referral(p, is_contact_prohibited=True)
    ),
    "draft": lambda s, r, p: amend(s, r, steps.new_referral(p, status="draft")),
    "complete": lambda s, r, p: amend(s, r, steps.new_referral(p, status="completed")),
    "revoke": lambda s, r, p: amend(
        s, r, steps.new_referral(p, status="revoked", reason_text="Why")
    ),
    "withdraw": lambda s, r, _: withdraw(s, r),
    "mistake": lambda s, r, _: withdraw(s, r, is_mistake=True),
    "stale": lambda s, r, _: withdraw(s, r, expected_version=1),
    "attach a task": lambda s, r, _: attach_task(
        referral_id=r.pk,
        document="{}",
        status="requested",
        by=steps.actor_of(s),
        at=timezone.now(),
    ),
    **{
        f"task {status}": partial(_write_task, status)
        for status in ("accepted", "cancelled", "entered-in-error", "completed", "in-progress")
    },
}


def _outcome(act: Callable[..., object], *given: object) -> tuple[object, ...]:
    try:
        done = act(*given)
    except (MoveNotAllowed, ReferralRefused, StaleVersion) as error:
        return type(error), str(error), getattr(error, "allowed", None)
    assert isinstance(done, Seen)
    return done.change.version, done.change.business_status, done.change.reason_text


@pytest.mark.parametrize("days", [1, 29])
def test_every_silent_way_is_answered_alike_whatever_the_requester_does(
    gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs, days: int
) -> None:
    begin = timezone.now()
    patients = list(islice(people(seed=5), len(WAYS)))
    with time_machine.travel(begin, tick=False):
        referrals = [steps.invited(gp_system, person, run_jobs) for person in patients]
        for referral, way in zip(referrals, WAYS, strict=True):
            way(referral)
    with time_machine.travel(begin + timedelta(days=days), tick=False):
        run_jobs()
    told_apart: dict[str, list[object]] = {}
    for name, act in ACTS.items():
        before = transaction.savepoint()
        with time_machine.travel(begin + timedelta(days=days), tick=False):
            answers = [
                _outcome(act, gp_system, referral, person)
                for referral, person in zip(referrals, patients, strict=True)
            ]
        with time_machine.travel(begin + timedelta(days=days + 30), tick=False):
            run_jobs()
            views = [_faces_of(gp_system, referral) for referral in referrals]
        transaction.savepoint_rollback(before)
        if len(set(answers)) != 1 or any(view != views[0] for view in views[1:]):
            told_apart[name] = [answers, views]

    assert told_apart == {}


def _faces_of(system: cast.ClinicalSystem, referral: Referral) -> list[list[tuple[object, ...]]]:
    """All that the practice's faces are made from, without what names the referral."""
    by = steps.actor_of(system)
    changes = told_changes(by).filter(referral=referral).order_by("version")
    tasks = practice_tasks(by).filter(referral=referral).order_by("raised_at", "kind")
    return [
        [(row.version, row.at, row.business_status, row.reason_text) for row in changes],
        [(row.kind, row.raised_at, row.done_at) for row in tasks],
        list(Referral.objects.filter(pk=referral.pk).values_list("version", "told_at")),
    ]


# What the faces read


def test_the_newest_version_of_each_referral_is_the_one_that_was_told(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    steps.joined(referral, tells_practice=False)
    by = steps.actor_of(gp_system)

    newest = newest_told(by).get()

    assert (newest.version, newest.business_status) == (3, BusinessStatus.INVITATION_SENT)
    assert told_changes(by).count() == 3
    assert newest.at == Referral.objects.get().told_at
    assert list(visible_patients(by)) == [referral.patient]
    assert patient_versions(by).get().version == 1


# Patients


def test_a_patient_is_corrected_at_a_version_of_its_own(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    by, at = steps.actor_of(gp_system), timezone.now()
    patient = receive_patient(new=steps.new_patient(person), by=by, at=at).patient
    new = steps.new_patient(person, document='{"b": 2}', nhs_number="", phone="07700900777")

    done = amend_patient(patient_id=patient.pk, new=new, expected_version=1, by=by, at=at)

    assert done
    assert (done.version, done.phone) == (2, "07700900777")
    assert done.nhs_number == person.nhs_number, "what is not sent again is not forgotten"
    assert list(patient_versions(by).order_by("version").values_list("version", flat=True)) == [
        1,
        2,
    ]
    with pytest.raises(StaleVersion) as stale:
        amend_patient(patient_id=patient.pk, new=new, expected_version=1, by=by, at=at)
    assert stale.value.current == 2


def test_a_patient_does_not_become_somebody_else(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    by, at = steps.actor_of(gp_system), timezone.now()
    stranger = next(people(seed=99))
    patient = receive_patient(new=steps.new_patient(person), by=by, at=at).patient
    unnamed = receive_patient(new=steps.new_patient(person, nhs_number=""), by=by, at=at).patient

    for pk, new in (
        (patient.pk, steps.new_patient(person, nhs_number=stranger.nhs_number)),
        (unnamed.pk, steps.new_patient(person, nhs_number="", birth_date=stranger.birth_date)),
        (unnamed.pk, steps.new_patient(person)),  # another row has this number
    ):
        with pytest.raises(ReferralRefused) as refused:
            amend_patient(patient_id=pk, new=new, expected_version=None, by=by, at=at)
        assert refused.value.element == "Patient.identifier"
