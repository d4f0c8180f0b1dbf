"""Places: what a host states of them, who gets one, who waits, and in which order they are passed on."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actors import SYSTEM
from audit.models import Action, Entry
from communities import capacity
from communities.capacity import FRESH, HOLD, Full, Member, Statement
from communities.models import (
    Capacity,
    CapacityState,
    Community,
    Listing,
    PlaceState,
    Reservation,
)
from jobs.models import Job, JobKind

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = AT.date()
WAITING, OFFERED, TAKEN = PlaceState.WAITING, PlaceState.OFFERED, PlaceState.TAKEN


@pytest.fixture
def community() -> Community:
    """A listed one that has stated nothing of its places."""
    return Community.objects.get(key="f001")


def state(
    community: Community, total: int | None, *, line: bool = False, **more: object
) -> Capacity:
    return capacity.state_capacity(
        community=community,
        statement=Statement(total=total, has_waiting_list=line, **more),  # type: ignore[arg-type]
        members=(),
        by=SYSTEM,
        at=AT,
    )


def somebody() -> Member:
    return Member(uuid4(), uuid4())


def ask(community: Community, member: Member | None = None, **more: bool) -> PlaceState:
    return capacity.ask_for_place(
        community_id=community.pk, member=member or somebody(), at=AT, **more
    )


def release(community: Community, member: Member, at: datetime = AT) -> None:
    capacity.release(community_id=community.pk, holder=member.holder, at=at)


def standing(community: Community, member: Member) -> PlaceState | None:
    return capacity.state_of(community_id=community.pk, holder=member.holder)


def used(community: Community) -> int:
    return Capacity.objects.get(pk=community.pk).used


# What is stated


@pytest.mark.parametrize(
    ("total", "used", "line", "assessed", "expected"),
    [
        (None, 0, False, False, CapacityState.CAPACITY),
        (None, 900, True, False, CapacityState.CAPACITY),
        (2, 1, False, False, CapacityState.CAPACITY),
        (2, 1, False, True, CapacityState.ASSESSMENT),
        (2, 2, False, True, CapacityState.NO_CAPACITY),
        (2, 3, False, False, CapacityState.NO_CAPACITY),
        (0, 0, True, False, CapacityState.WAITLIST),
    ],
)
def test_what_is_stated_is_one_of_the_four_states(
    total: int | None, used: int, *, line: bool, assessed: bool, expected: CapacityState
) -> None:
    stated = Capacity(
        total=total,
        used=used,
        has_waiting_list=line,
        needs_assessment=assessed,
        stated_on=TODAY,
        fresh_until=TODAY,
    )

    assert stated.state(TODAY) is expected
    assert stated.state(TODAY + timedelta(days=1)) is CapacityState.UNKNOWN


def test_a_community_that_has_stated_nothing_takes_everybody(community: Community) -> None:
    assert capacity.capacity_of(community) is None
    assert {ask(community) for _ in range(3)} == {TAKEN}
    assert not Reservation.objects.exists()


def test_a_statement_is_fresh_for_four_weeks_and_audited(community: Community) -> None:
    stated = state(community, 5, used=2)

    assert capacity.capacity_of(Community.objects.get(pk=community.pk)) == stated
    assert (stated.used, stated.free) == (2, 3)
    assert (stated.stated_on, stated.fresh_until) == (TODAY, TODAY + FRESH)
    assert Entry.objects.get(action=Action.PLACES_STATED).target == (
        f"HealthcareService/{community.pk}"
    )


def test_a_stale_statement_still_limits(community: Community) -> None:
    state(community, 0, fresh_until=TODAY)

    with pytest.raises(Full):
        capacity.ask_for_place(
            community_id=community.pk, member=somebody(), at=AT + timedelta(days=90)
        )


def test_those_who_have_a_place_before_anything_is_stated_are_counted(community: Community) -> None:
    members = [somebody() for _ in range(3)]
    stated = [
        capacity.state_capacity(
            community=community, statement=Statement(total=4), members=members, by=SYSTEM, at=AT
        )
        for _ in range(2)
    ]
    release(community, members[0])

    assert [each.used for each in stated] == [3, 3]
    assert used(community) == 2


def test_a_host_does_not_count_the_places_that_are_held(community: Community) -> None:
    state(community, 1, line=True)
    first = somebody()
    ask(community, first)
    ask(community)
    release(community, first)  # the place is now held for the second

    stated = state(community, 10, used=4, line=True)

    assert stated.used == 5


def test_a_host_cannot_state_fewer_than_are_placed_here(community: Community) -> None:
    state(community, 5)
    for _ in range(3):
        ask(community)

    assert state(community, 5, used=0).used == 3


# Who gets a place


def test_asking_twice_is_asking_once(community: Community) -> None:
    state(community, 1, line=True)
    first, second = somebody(), somebody()

    assert [ask(community, first), ask(community, first)] == [TAKEN, TAKEN]
    assert [ask(community, second), ask(community, second)] == [WAITING, WAITING]
    assert (used(community), Reservation.objects.count()) == (1, 2)


def test_a_full_community_without_a_line_takes_nobody(community: Community) -> None:
    state(community, 1)
    ask(community)

    with pytest.raises(Full):
        ask(community)
    state(community, 1, line=True)
    with pytest.raises(Full):
        ask(community, may_wait=False)

    assert (used(community), Reservation.objects.count()) == (1, 1)


def test_a_freed_place_is_held_for_the_first_in_line_and_they_are_told(
    community: Community,
) -> None:
    state(community, 1, line=True)
    first, second, third = somebody(), somebody(), somebody()
    for member in (first, second, third):
        ask(community, member)

    release(community, first)

    assert [standing(community, each) for each in (first, second, third)] == [
        None,
        OFFERED,
        WAITING,
    ]
    assert used(community) == 1
    held = Reservation.objects.get(state=OFFERED)
    assert held.held_until == AT + HOLD
    assert {
        (job.kind, job.tenant_id, job.payload["reservation_id"], job.run_at)
        for job in Job.objects.filter(kind__in=(JobKind.OFFER_PLACE, JobKind.END_HOLD))
    } == {
        (JobKind.OFFER_PLACE, second.tenant_id, str(held.pk), AT),
        (JobKind.END_HOLD, second.tenant_id, str(held.pk), AT + HOLD),
    }
    assert ask(community, second) is TAKEN
    assert used(community) == 1


def test_whoever_does_not_answer_in_time_makes_way_for_the_next(community: Community) -> None:
    state(community, 1, line=True)
    first, second, third = somebody(), somebody(), somebody()
    for member in (first, second, third):
        ask(community, member)
    release(community, first)
    held = Reservation.objects.get(state=OFFERED)

    early = capacity.end_hold(reservation_id=held.pk, at=AT + HOLD - timedelta(seconds=1))
    ended = [capacity.end_hold(reservation_id=held.pk, at=AT + HOLD) for _ in range(2)]

    assert (early, ended) == (None, [held, None])
    assert [standing(community, each) for each in (second, third)] == [None, OFFERED]
    assert ask(community, second) is WAITING  # at the end of the line
    assert Reservation.objects.filter(holder=second.holder).count() == 2


def test_whoever_stops_waiting_leaves_the_order_as_it_is(community: Community) -> None:
    state(community, 1, line=True)
    first, second, third = somebody(), somebody(), somebody()
    for member in (first, second, third):
        ask(community, member)

    release(community, second)
    release(community, first)

    assert standing(community, third) is OFFERED


def test_fewer_places_evict_nobody_and_more_serve_the_line_in_order(community: Community) -> None:
    state(community, 3, line=True)
    members = [somebody() for _ in range(6)]
    for member in members:
        ask(community, member)

    state(community, 1, line=True)
    assert [standing(community, each) for each in members] == [TAKEN] * 3 + [WAITING] * 3
    release(community, members[0])
    assert used(community) == 2
    assert not Reservation.objects.filter(state=OFFERED).exists()

    state(community, 4, line=True)
    assert [standing(community, each) for each in members[3:]] == [OFFERED, OFFERED, WAITING]


@pytest.mark.parametrize("listing", [Listing.SUSPENDED, Listing.CLOSED, Listing.DRAFT])
def test_nobody_is_sent_to_a_community_that_may_not_be_offered(
    community: Community, listing: Listing
) -> None:
    state(community, 1, line=True)
    first, second = somebody(), somebody()
    ask(community, first)
    ask(community, second)

    Community.objects.filter(pk=community.pk).update(listing=listing)
    release(community, first)
    assert (standing(community, second), used(community)) == (WAITING, 0)

    Community.objects.filter(pk=community.pk).update(listing=Listing.LISTED)
    assert capacity.serve_lines(at=AT) == 1
    assert standing(community, second) is OFFERED
    assert capacity.serve_lines(at=AT) == 0


def test_all_that_somebody_has_is_freed_but_one(community: Community) -> None:
    other = Community.objects.get(key="f002")
    state(community, 1)
    state(other, 1)
    member = somebody()
    ask(community, member)
    ask(other, member)

    capacity.release_all(holder=member.holder, at=AT, but=other.pk)

    assert (used(community), used(other)) == (0, 1)
    capacity.release_all(holder=member.holder, at=AT)
    assert (used(community), used(other)) == (0, 0)


# What the database itself refuses


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "promised"},
        {"state": OFFERED},
        {"state": TAKEN, "held_until": AT},
        {"holder": UUID(int=1)},
    ],
    ids=["another state", "offered for ever", "held when taken", "twice"],
)
def test_a_reservation_is_right_in_the_database(
    community: Community, changes: dict[str, object]
) -> None:
    given_ = {
        "community": community,
        "holder": uuid4(),
        "tenant_id": uuid4(),
        "state": WAITING,
        "asked_at": AT,
    }
    Reservation.objects.create(**given_ | {"holder": UUID(int=1)})

    with pytest.raises(IntegrityError), transaction.atomic():
        Reservation.objects.create(**given_ | changes)


@pytest.mark.parametrize(
    "changes",
    [{"used": -1}, {"total": -1}, {"fresh_until": date(2026, 1, 1)}],
    ids=["fewer than none used", "fewer than none", "stale before it was stated"],
)
def test_a_capacity_is_right_in_the_database(
    community: Community, changes: dict[str, object]
) -> None:
    state(community, 1)

    with pytest.raises(IntegrityError), transaction.atomic():
        Capacity.objects.filter(pk=community.pk).update(**changes)


# Any order of things


class Model:
    """Places as simple as can be: who has one, for whom one is held, who waits."""

    def __init__(self) -> None:
        self.total: int | None = 1
        self.taken: list[Member] = []
        self.offered: list[Member] = []
        self.waiting: list[Member] = []

    @property
    def used(self) -> int:
        return len(self.taken) + len(self.offered)

    def has_room(self) -> bool:
        return self.total is None or self.used < self.total

    def ask(self, member: Member) -> None:
        if member in self.offered:
            self.offered.remove(member)
            self.taken.append(member)
        elif member not in self.taken + self.waiting:
            (self.taken if self.has_room() else self.waiting).append(member)

    def release(self, member: Member) -> None:
        for group in (self.taken, self.offered, self.waiting):
            if member in group:
                group.remove(member)
        self.serve()

    def serve(self) -> None:
        while self.waiting and self.has_room():
            self.offered.append(self.waiting.pop(0))

    def expire(self) -> None:
        for member in list(self.offered):
            self.release(member)


CROWD = [Member(UUID(int=number), UUID(int=0)) for number in range(1, 8)]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(CROWD)),
        st.tuples(st.just("release"), st.sampled_from(CROWD)),
        st.tuples(st.just("total"), st.none() | st.integers(0, 5)),
        st.tuples(st.just("expire"), st.none()),
    ),
    max_size=25,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_any_order_of_things_leads_to_what_the_simple_model_says(
    community: Community, steps: list[tuple[str, object]]
) -> None:
    model = Model()
    with transaction.atomic():
        state(community, model.total, line=True)
        for number, (step, subject) in zip(count(1), steps, strict=False):
            at = AT + timedelta(minutes=number)
            if isinstance(subject, Member) and step == "ask":
                model.ask(subject)
                capacity.ask_for_place(community_id=community.pk, member=subject, at=at)
            elif isinstance(subject, Member):
                model.release(subject)
                release(community, subject, at)
            elif step == "total":
                model.total = subject if isinstance(subject, int) else None
                state(community, model.total, line=True)
                model.serve()
            else:
                # Only those who were offered a place before: whoever is next gets the whole time.
                for held in list(Reservation.objects.filter(state=OFFERED).order_by("pk")):
                    capacity.end_hold(reservation_id=held.pk, at=at + HOLD)
                model.expire()

            live = Reservation.objects.filter(community=community)
            for group, expected in (
                (TAKEN, set(model.taken)),
                (OFFERED, set(model.offered)),
            ):
                holders = set(live.filter(state=group).values_list("holder", flat=True))
                assert holders == {member.holder for member in expected}
            line = live.filter(state=WAITING).order_by("pk").values_list("holder", flat=True)
            assert list(line) == [member.holder for member in model.waiting]
            assert used(community) == model.used
            assert not (model.waiting and model.has_room())
        transaction.set_rollback(True)
