"""The invitation: one message, once, that gives nothing away."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import time_machine
from django.conf import settings
from django.core import mail
from django.db.models.functions import Length
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Organisation
from audit.models import Action, Entry
from communities.models import Condition, ConditionCode
from config.fictional import Person
from jobs.models import Job, JobKind, JobState
from jobs.running import LONGEST_DELAY_SECONDS, work
from referrals import codes, inviting, matching
from referrals.lifecycle import BusinessStatus
from referrals.models import Link, Message, MessageState, Referral
from referrals.selectors import newest_change
from tests import cast
from tests.api.answers import stored_text
from tests.referrals import steps

# GSM 03.38, the basic set: one character of a text message each. 160 of them make one message.
GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
CODE = re.compile(r"/r/([a-z2-7]{32})\Z")

pytestmark = pytest.mark.django_db


def code_in(message: dict[str, str]) -> str:
    found = CODE.search(message["body"])
    assert found
    return found[1]


def words(*texts: str) -> set[str]:
    return {word for text in texts for word in re.findall(r"[a-z]{3,}", text.lower())}


# The text


def test_the_message_names_the_practice_and_the_way_in(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)

    [message] = messages()
    assert message.keys() == {"to", "channel", "subject", "body", "referral"}
    assert (message["channel"], message["to"]) == ("sms", person.phone)
    assert message["referral"] == referral.reference
    assert message["body"].startswith(referral.practice.name)
    assert code_in(message)


def test_no_word_of_any_condition_is_in_a_message(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    """A text is read over shoulders: it may not say what somebody has (hazard H4)."""
    resource = cast.referral_for(person)
    codings = [
        {"system": "http://snomed.info/sct", "code": code.snomed_code}
        for code in ConditionCode.objects.all()
    ]
    resource["reasonCode"] = [{"coding": codings}]
    resource["extension"] = [
        {
            "url": f"{settings.PUBLIC_BASE_URL}/fhir/R4/StructureDefinition/acute-risk",
            "valueBoolean": False,
        }
    ]
    assert gp_system.post("/fhir/R4/ServiceRequest", resource).status_code == 201
    run_jobs()

    [message] = messages()
    told = words(CODE.sub("", message["body"]), message["subject"])

    named = words(
        *Condition.objects.values_list("label", flat=True),
        *Condition.objects.values_list("key", flat=True),
        *ConditionCode.objects.values_list("term", flat=True),
    )
    own = words(gp_system.organisation.name)
    assert Condition.objects.filter(referrals__isnull=False).distinct().count() > 30
    grammar = {"and", "for", "after", "with", "from"}
    assert (told - own) & (named - grammar) == set()
    for personal in (person.given_name, person.family_name, person.nhs_number):
        assert personal not in message["body"] + message["subject"]
    assert "nhs" not in told


def test_a_text_message_is_one_message_even_for_the_longest_name_of_a_practice(
    person: Person, run_jobs: cast.RunJobs, messages: cast.Messages
) -> None:
    practices = Organisation.objects.filter(kind="practice")
    longest = practices.order_by(Length("name").desc(), "pk")[0]
    steps.invited(cast.clinical_system(longest), person, run_jobs)

    [message] = messages()

    assert len(message["body"]) <= 160
    assert set(message["body"]) <= GSM_7


def test_the_name_of_every_practice_can_be_written_in_a_text_message(db: None) -> None:
    names = Organisation.objects.filter(kind="practice").values_list("name", flat=True)

    assert [name for name in names if set(name) - GSM_7] == []


PHONE = {"system": "phone", "value": "07700 900123"}
EMAIL = {"system": "email", "value": "alex@example.org"}
CONTACTS: list[tuple[list[dict[str, str]], str, str]] = [
    ([PHONE, EMAIL], "sms", "07700 900123"),
    ([EMAIL], "email", "alex@example.org"),
    ([{**PHONE, "use": "old"}, EMAIL], "email", "alex@example.org"),
    ([], "letter", ""),
]


@pytest.mark.parametrize(("telecom", "channel", "to"), CONTACTS)
def test_the_message_goes_the_way_that_the_practice_knows(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
    telecom: list[dict[str, str]],
    channel: str,
    to: str,
) -> None:
    resource = cast.referral_for(person)
    resource["contained"][0].pop("telecom")
    if telecom:
        resource["contained"][0]["telecom"] = telecom
    assert gp_system.post("/fhir/R4/ServiceRequest", resource).status_code == 201

    run_jobs()

    [message] = messages()
    assert message["channel"] == channel
    assert message["to"] == (to or gp_system.organisation.name)


# The link


def test_the_code_is_kept_nowhere(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    steps.invited(gp_system, person, run_jobs)
    code = code_in(messages()[0])

    link = Link.objects.get()

    assert codes.code_of(link) == code
    assert link.code_hash in codes.wanted(code).long_hashes
    assert code not in stored_text()
    assert code != codes.code_of(Link(pk=UUID(int=link.pk.int ^ 1), code_key=link.code_key))


# Once


def test_inviting_twice_is_inviting_once(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)

    inviting.invite_patient(referral_id=referral.pk, at=timezone.now())
    run_jobs()

    assert (Message.objects.count(), Link.objects.count(), len(messages())) == (1, 1, 1)


def test_handing_over_twice_leaves_one_message_and_one_step(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    message, first_text = Message.objects.get(), messages()

    inviting.hand_over_message(
        message_id=message.pk, tenant_id=referral.practice_id, at=timezone.now()
    )
    # A worker that was lost between handing over and noting it: the job runs again.
    Message.objects.update(state=MessageState.WAITING, handed_over_at=None)
    inviting.hand_over_message(
        message_id=message.pk, tenant_id=referral.practice_id, at=timezone.now()
    )

    assert messages() == first_text
    assert referral.changes.filter(business_status=BusinessStatus.INVITATION_SENT).count() == 1
    delivered_at = referral.delivered_at
    referral.refresh_from_db()
    assert referral.delivered_at == delivered_at


def test_the_invitation_is_on_record(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)

    message = Message.objects.get()
    assert message.state == MessageState.HANDED_OVER
    assert referral.delivered_at == message.handed_over_at
    assert referral.business_status == BusinessStatus.INVITATION_SENT
    entry = Entry.objects.get(action=Action.MESSAGE_HANDED_OVER)
    assert (entry.actor, entry.target) == ("system", f"Message/{message.pk}")


# Carriers


def test_a_carrier_that_is_away_is_tried_again(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
    settings: Settings,
    tmp_path: Path,
) -> None:
    folder = settings.MESSAGES_FOLDER
    (tmp_path / "a file").touch()
    settings.MESSAGES_FOLDER = str(tmp_path / "a file")
    referral = steps.invited(gp_system, person, run_jobs)

    job = Job.objects.get(kind=JobKind.HAND_OVER)
    assert job.state in (JobState.QUEUED, JobState.DONE)
    assert (job.last_error, job.ended_at) == ("MessengerUnavailable", None)
    assert referral.business_status == BusinessStatus.MATCHED
    assert referral.delivered_at is None

    settings.MESSAGES_FOLDER = folder
    with time_machine.travel(timezone.now() + timedelta(seconds=LONGEST_DELAY_SECONDS)):
        work(most=50)
        referral.refresh_from_db()
    assert referral.business_status == BusinessStatus.INVITATION_SENT
    assert len(messages()) == 1


def test_a_message_that_no_carrier_takes_is_refused_for_good(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, settings: Settings
) -> None:
    settings.MESSENGER = "integrations.messaging.smtp.SmtpMessenger"

    referral = steps.invited(gp_system, person, run_jobs)

    assert Message.objects.get().state == MessageState.REFUSED
    assert Job.objects.get(kind=JobKind.HAND_OVER).state == JobState.DONE
    assert referral.business_status == BusinessStatus.MATCHED
    assert referral.delivered_at is None
    assert mail.outbox == []


def test_an_e_mail_gives_away_no_more_than_a_text(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, settings: Settings
) -> None:
    settings.MESSENGER = "integrations.messaging.smtp.SmtpMessenger"
    resource = cast.referral_for(person)
    resource["contained"][0]["telecom"] = [{"system": "email", "value": "alex@example.org"}]
    gp_system.post("/fhir/R4/ServiceRequest", resource)

    run_jobs()

    [sent] = mail.outbox
    assert sent.to == ["alex@example.org"]
    assert sent.subject == f"A suggestion from {gp_system.organisation.name}"
    assert str(Message.objects.get().pk) in sent.extra_headers["Message-ID"]
    assert Referral.objects.get().business_status == BusinessStatus.INVITATION_SENT


def test_a_patient_quicker_than_our_note_is_told_of_like_anybody(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """Somebody who joins in silence before the message is noted as sent must not stay "matched"."""
    referral = steps.referred(gp_system, person)
    matching.match_referral(referral_id=referral.pk, at=timezone.now())
    inviting.invite_patient(referral_id=referral.pk, at=timezone.now())
    message = Message.objects.get(referral=referral)
    steps.joined(referral, tells_practice=False)

    inviting._note_handed_over(message, at=timezone.now())

    told = newest_change(Referral.objects.get(pk=referral.pk))
    assert (told.business_status, told.version) == (BusinessStatus.INVITATION_SENT, 3)
    assert Referral.objects.get(pk=referral.pk).business_status == BusinessStatus.JOINED
