"""The database holds each rule by itself: whatever the code forgets, the row is refused."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import (
    AccessToken,
    Client,
    Membership,
    Organisation,
    Role,
    Succession,
    UsedAssertion,
    User,
)
from audit.models import Entry
from communities.models import Community
from config.fictional import Person
from engagement.models import Activity
from jobs.models import Job
from referrals.lifecycle import BusinessStatus, RequestStatus, TaskStatus
from referrals.models import (
    Link,
    Message,
    Offer,
    Patient,
    PatientSession,
    PatientVersion,
    Placement,
    Referral,
    ReferralIdentifier,
    ReferralTerm,
    StatusChange,
)
from referrals.sessions import begin_session
from tests import cast
from tests.referrals import steps
from tests.referrals.test_lifecycle import SEEN

pytestmark = pytest.mark.django_db


@pytest.fixture
def referral(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    community: cast.Community,
) -> Referral:
    """A referral that has a row in every table."""
    referral = steps.invited(gp_system, person, run_jobs)
    placement = steps.joined(referral, host=community.key.organisation)
    community.report(cast.activity(placement.pseudonym))
    User.objects.create_user("someone@example.org")
    begin_session(referral=referral, at=timezone.now())
    referral.refresh_from_db()
    return referral


def copy_of(model: type[models.Model], **changes: Any) -> models.Model:
    """A second row like the first, under a key of its own."""
    row = model._base_manager.order_by("pk")[0]
    key = model._meta.pk
    assert key is not None
    row.pk = uuid4() if isinstance(key, models.UUIDField) else None
    for name, value in changes.items():
        setattr(row, name, value)
    row._state.adding = True
    return row


def assert_refused(constraint: str, write: Callable[[], object]) -> None:
    """The database refuses, and because of that very rule."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        write()
    found = [
        one
        for model in apps.get_models()
        for one in model._meta.constraints
        if one.name == constraint
    ]
    assert found
    # SQLite names the columns of a unique rule, not the rule.
    columns = getattr(found[0], "fields", None) or ()
    if connection.vendor == "postgresql" or not columns:
        assert constraint in str(refused.value)
    else:
        assert all(f".{column}" in str(refused.value) for column in columns)


SECOND_ROWS: dict[str, tuple[type[models.Model], dict[str, Any]]] = {
    "patient_once_a_practice": (Patient, {}),
    "patient_version_once": (PatientVersion, {}),
    "referral_identifier_once_a_client": (ReferralIdentifier, {}),
    "change_version_once": (StatusChange, {"version": 1, "is_told": True}),
    "offer_once_a_community": (Offer, {}),
    "placement_one_at_a_time": (Placement, {"pseudonym": "psn_other"}),
    "activity_once": (Activity, {}),
    "assertion_used_once": (UsedAssertion, {}),
}


@pytest.mark.parametrize(("model", "changes"), SECOND_ROWS.values(), ids=SECOND_ROWS)
def test_a_second_row_of_what_there_is_once_is_refused(
    referral: Referral,
    request: pytest.FixtureRequest,
    model: type[models.Model],
    changes: dict[str, Any],
) -> None:
    assert referral
    constraint = request.node.callspec.id

    assert_refused(constraint, copy_of(model, **changes).save)


LATER = timezone.now() + timedelta(days=1)
EARLIER = timezone.now() - timedelta(days=400)

WRONG_VALUES: list[tuple[str, type[models.Model], dict[str, Any]]] = [
    ("message_known_state", Message, {"state": "lost", "handed_over_at": None}),
    ("message_handed_over_when", Message, {"handed_over_at": None}),
    ("message_handed_over_when", Message, {"state": "waiting"}),
    ("message_handed_over_when", Message, {"state": "refused"}),
    ("placement_ends_after_it_begins", Placement, {"left_at": EARLIER}),
    ("activity_known_kind", Activity, {"kind": "cried"}),
    ("term_known_resource", ReferralTerm, {"resource": "Patient"}),
    ("term_ends_after_it_begins", ReferralTerm, {"starts_at": LATER}),
    ("term_ends_after_it_begins", ReferralTerm, {"starts_at": LATER, "ends_at": EARLIER}),
    ("referral_issued_unless_draft", Referral, {"issued_at": None}),
    (
        "referral_issued_unless_draft",
        Referral,
        {"business_status": "drafted", "status": "draft", "task_status": "draft"},
    ),
    ("activity_counts_something", Activity, {"count": 0}),
    ("jobs_known_kind", Job, {"kind": "sweep"}),
    ("jobs_known_state", Job, {"state": "lost", "ended_at": None}),
    ("jobs_leased_while_running", Job, {"lease": uuid4(), "leased_until": LATER}),
    ("jobs_leased_while_running", Job, {"state": "running", "ended_at": None}),
    ("jobs_ended_when_done_or_dead", Job, {"state": "done", "ended_at": None}),
    ("jobs_ended_when_done_or_dead", Job, {"state": "dead", "ended_at": None}),
    ("jobs_ended_when_done_or_dead", Job, {"state": "queued", "ended_at": LATER}),
]


@pytest.mark.parametrize(("constraint", "model", "changes"), WRONG_VALUES)
def test_a_row_that_breaks_a_rule_is_refused(
    referral: Referral, constraint: str, model: type[models.Model], changes: dict[str, Any]
) -> None:
    assert referral
    row = model._base_manager.order_by("pk")[0]

    assert_refused(constraint, lambda: model._base_manager.filter(pk=row.pk).update(**changes))


def test_the_three_statuses_of_a_referral_must_agree(referral: Referral) -> None:
    allowed = {(business, *seen) for business, seen in SEEN.items()}
    everything = set(product(BusinessStatus.values, RequestStatus.values, TaskStatus.values))

    tables: tuple[tuple[type[models.Model], str], ...] = (
        (Referral, "referral_statuses_agree"),
        (StatusChange, "change_statuses_agree"),
    )
    for table, constraint in tables:
        row = table._base_manager.order_by("pk")[0]
        for business, request, task in sorted(everything):
            change: dict[str, Any] = {
                "business_status": business,
                "status": request,
                "task_status": task,
            }
            if table is Referral:  # a draft is the one that has not been issued
                change["issued_at"] = None if business == "drafted" else LATER
            write = partial(table._base_manager.filter(pk=row.pk).update, **change)
            if (business, request, task) in allowed:
                assert write() == 1
            else:
                assert_refused(constraint, write)
    assert referral


@pytest.mark.parametrize(("field", "value"), [("status", "on_hold"), ("business_status", "lost")])
def test_a_status_that_is_none_is_refused(referral: Referral, field: str, value: str) -> None:
    rows = Referral.objects.filter(pk=referral.pk)

    assert_refused("referral_statuses_agree", lambda: rows.update(**{field: value}))


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (Referral, "reference"),
        (Link, "code_hash"),
        (PatientSession, "token_hash"),
        (Placement, "pseudonym"),
        (User, "email"),
    ],
)
def test_what_somebody_is_found_by_is_unique(
    referral: Referral, model: type[models.Model], field: str
) -> None:
    assert referral
    changes = {"left_at": LATER} if model is Placement else {}

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        copy_of(model, **changes).save()

    assert field in str(refused.value)


def test_two_practices_may_each_have_a_record_of_a_person(
    referral: Referral, other_gp_system: cast.ClinicalSystem
) -> None:
    copy_of(Patient, practice=other_gp_system.organisation).save()
    nameless = {"nhs_number": "", "nhs_number_hash": ""}

    for _ in range(2):
        copy_of(Patient, **nameless).save()

    assert Patient.objects.count() == 4
    assert referral


def test_a_membership_is_of_a_known_role_and_once(referral: Referral) -> None:
    user, practice = User.objects.all()[0], referral.practice

    def add(role: str) -> Membership:
        return Membership.objects.create(user=user, organisation=practice, role=role)

    add(Role.CLINICIAN)

    assert_refused("membership_once", lambda: add(Role.CLINICIAN))
    assert_refused("membership_known_role", lambda: add("king"))


def test_an_organisation_is_of_a_known_kind_and_ends_after_it_begins(db: None) -> None:
    today = timezone.localdate()
    create = Organisation.objects.create

    assert_refused("organisation_known_kind", lambda: create(kind="shop", name="x"))
    assert_refused(
        "organisation_ends_after_it_begins",
        lambda: create(kind="icb", name="x", valid_from=today, valid_to=today - timedelta(days=1)),
    )


def test_one_succession_is_kept_once(db: None) -> None:
    assert_refused("succession_once", copy_of(Succession).save)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("community_known_listing", {"listing": "maybe"}),
        ("community_known_hand_off", {"hand_off": "post"}),
        ("community_ages_in_order", {"min_age": 30, "max_age": 18}),
        ("community_listed_only_when_reviewed", {"reviewed_on": None}),
        ("community_listed_only_when_reviewed", {"review_due": None}),
        ("community_listed_only_when_reviewed", {"reviewed_by": ""}),
    ],
)
def test_a_community_that_breaks_a_rule_is_refused(
    db: None, constraint: str, changes: dict[str, Any]
) -> None:
    rows = Community.objects.filter(key="f001")

    assert_refused(constraint, lambda: rows.update(**changes))


def test_nothing_that_something_hangs_on_can_be_deleted(referral: Referral) -> None:
    placement = referral.placements.get()
    held = [
        referral,
        referral.patient,
        referral.practice,
        placement,
        placement.community,
        Client.objects.get(referrals=referral),
        Link.objects.all()[0],
    ]

    for row in held:
        with pytest.raises(ProtectedError):
            row.delete()


def test_an_audit_entry_records_only_known_actions(referral: Referral) -> None:
    assert referral

    assert_refused("audit_known_action", copy_of(Entry, action="looked-around").save)


def test_a_token_is_found_by_its_hash_alone(referral: Referral) -> None:
    token = AccessToken.objects.all()[0]

    with pytest.raises(IntegrityError), transaction.atomic():
        AccessToken.objects.create(
            token_hash=token.token_hash, client=token.client, scope="x", expires_at=LATER
        )
    assert referral
