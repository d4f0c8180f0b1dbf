"""Places: given by one conditional UPDATE so that none is given twice, freed, and passed on in the order of the line.

Whoever moves the line holds the row of the community's capacity. In a community that has stated nothing there is room.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.timezone import localdate

from accounts.actors import Actor
from audit.models import Action
from audit.recording import record
from communities.models import Capacity, Community, PlaceState, Reservation
from communities.models.capacity import PLACED
from jobs.models import JobKind
from jobs.queue import enqueue

# Ours: long enough to see a message, to think about it and to come back; the next in line waits as long.
HOLD = timedelta(days=7)
FRESH = timedelta(days=28)
LONGEST_FRESH = timedelta(days=92)


class Full(Exception):
    """Every place is taken, and there is no line to wait in."""


class NotNewer(Exception):
    """The host has signed a later message of this community's places, or another one in the same second."""


@dataclass(frozen=True)
class Message:
    """A signed message: its id, which it keeps when it is sent again, and the moment at which it was signed."""

    id: str
    at: datetime


@dataclass(frozen=True)
class Member:
    """Somebody who has a place: the key that it is held under, and the organisation whose row that is."""

    holder: UUID
    tenant_id: UUID


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a host says of its places. ``total`` None: no limit; ``used`` None: as it was counted here."""

    total: int | None
    used: int | None = None
    has_waiting_list: bool = False
    needs_assessment: bool = False
    fresh_until: date | None = None
    message: Message | None = None


def capacity_of(community: Community) -> Capacity | None:
    """What has been stated of its places, if anything. Ask it for its ``state`` on a day."""
    return getattr(community, "capacity", None)


def community_keyed(key: str) -> Community | None:
    """The community with this key of ours, whether or not it may be offered now."""
    return Community.objects.select_related("host").filter(key=key).first()


def number_waiting(community_id: UUID) -> int:
    """How many wait for a place."""
    return Reservation.objects.filter(community_id=community_id, state=PlaceState.WAITING).count()


def number_placed(community_id: UUID) -> int:
    """How many have a place, or one held for them, that was counted here."""
    return Reservation.objects.filter(community_id=community_id, state__in=PLACED).count()


def state_of(*, community_id: UUID, holder: UUID) -> PlaceState | None:
    """Whether somebody has a place in a community, is offered one or waits for one; None: nothing of that."""
    found = _live(community_id, holder).first()
    return PlaceState(found.state) if found else None


def awaited(holder: UUID) -> Reservation | None:
    """What somebody waits for, or is offered, if anything."""
    asked = Reservation.objects.filter(
        holder=holder, state__in=(PlaceState.WAITING, PlaceState.OFFERED)
    )
    return asked.order_by("pk").first()


@transaction.atomic
def ask_for_place(
    *, community_id: UUID, member: Member, at: datetime, may_wait: bool = True
) -> PlaceState:
    """Give a place (TAKEN), or one in the line (WAITING). Asking twice is once. Raises Full."""
    if asked := _asked(member.holder):
        _hold(community_id, *asked)
    own = _live(community_id, member.holder)
    if own.filter(state=PlaceState.OFFERED).update(state=PlaceState.TAKEN, held_until=None):
        return PlaceState.TAKEN
    if before := own.first():
        return PlaceState(before.state)
    if not Capacity.objects.filter(pk=community_id).exists():
        return PlaceState.TAKEN
    state = _place_or_line(community_id, may_wait=may_wait)
    Reservation.objects.create(
        community_id=community_id,
        holder=member.holder,
        tenant_id=member.tenant_id,
        state=state,
        asked_at=at,
    )
    if state is PlaceState.TAKEN and Capacity.objects.filter(pk=community_id, used=F("total")):
        _note_change(community_id, at=at)
    return state


def _place_or_line(community_id: UUID, *, may_wait: bool) -> PlaceState:
    if _use_one(community_id):
        return PlaceState.TAKEN
    # A place may have been freed since: look again while the line stands still.
    capacity = Capacity.objects.select_for_update().get(pk=community_id)
    if _use_one(community_id):
        return PlaceState.TAKEN
    if not (capacity.has_waiting_list and may_wait):
        raise Full
    return PlaceState.WAITING


@transaction.atomic
def release(*, community_id: UUID, holder: UUID, at: datetime) -> None:
    """Free the place that somebody has or is offered, or end their waiting; the next in line is served. Twice is once."""
    _hold(community_id)
    own = _live(community_id, holder)
    if own.filter(state__in=PLACED).update(state=PlaceState.RELEASED, held_until=None):
        Capacity.objects.filter(pk=community_id).update(used=F("used") - 1)
        serve_line(community_id=community_id, at=at)
        if Capacity.objects.filter(pk=community_id, used=F("total") - 1):
            _note_change(community_id, at=at)
    else:
        own.update(state=PlaceState.RELEASED)


@transaction.atomic
def release_all(*, holder: UUID, at: datetime, but: UUID | None = None) -> None:
    """Free all that somebody has or waits for, ``but`` what it is in one community."""
    ids = _asked(holder)
    _hold(*ids)
    for community_id in ids:
        if community_id != but:
            release(community_id=community_id, holder=holder, at=at)


@transaction.atomic
def end_hold(*, reservation_id: int, at: datetime) -> Reservation | None:
    """Pass on a place that was held for somebody until now. None: they have answered, or there is time left."""
    found = Reservation.objects.filter(
        pk=reservation_id, state=PlaceState.OFFERED, held_until__lte=at
    ).first()
    if found:
        release(community_id=found.community_id, holder=found.holder, at=at)
    return found


@transaction.atomic
def serve_line(*, community_id: UUID, at: datetime) -> int:
    """Hold each free place for the next who waits, and have them told. Nobody is sent to what may not be offered."""
    _hold(community_id)
    if not Community.objects.listed_on(localdate(at)).filter(pk=community_id).exists():
        return 0
    line = Reservation.objects.filter(community_id=community_id, state=PlaceState.WAITING)
    served = 0
    while (first := line.order_by("pk").first()) and _use_one(community_id):
        first.state, first.held_until = PlaceState.OFFERED, at + HOLD
        first.save(update_fields=["state", "held_until"])
        for kind, when in ((JobKind.OFFER_PLACE, at), (JobKind.END_HOLD, first.held_until)):
            enqueue(
                kind,
                tenant_id=first.tenant_id,
                at=at,
                run_at=when,
                reservation_id=str(first.pk),
            )
        served += 1
    return served


def serve_lines(*, at: datetime) -> int:
    """Serve every line that waits though there is room, as after a pause or an overdue review. Says how many people."""
    has_room = Q(total__isnull=True) | Q(used__lt=F("total"))
    waited_for = Reservation.objects.filter(state=PlaceState.WAITING).values("community_id")
    rows = Capacity.objects.filter(has_room, pk__in=waited_for).order_by("pk")
    return sum(serve_line(community_id=pk, at=at) for pk in rows.values_list("pk", flat=True))


@transaction.atomic
def state_capacity(
    *,
    community: Community,
    statement: Statement,
    members: Iterable[Member],
    by: Actor,
    at: datetime,
) -> Capacity:
    """Note what a host says of its places. ``members`` are those who have one already, from before anything was said.

    Nobody loses a place when there are fewer; the line is served when there are more. A host does not know of the
    places that are held for somebody: they count beside those that it says are used. The last signed message, when it
    comes again, changes nothing. Raises NotNewer for an earlier one.
    """
    today = localdate(at)
    facts = {
        "total": statement.total,
        "has_waiting_list": statement.has_waiting_list,
        "needs_assessment": statement.needs_assessment,
        "stated_on": today,
        "fresh_until": statement.fresh_until or today + FRESH,
        "stated_by": by.label,
    }
    Capacity.objects.get_or_create(community=community, defaults=facts)
    capacity = Capacity.objects.select_for_update().get(pk=community.pk)
    if message := statement.message:
        if _is_known(message, capacity):
            return capacity
        facts |= {"message_id": message.id, "message_at": message.at}
    _adopt(community, members, at=at)
    taken, held = _taken_and_held(community)
    used = capacity.used if statement.used is None else statement.used + held
    for name, fact in (facts | {"used": max(used, taken + held)}).items():
        setattr(capacity, name, fact)
    capacity.save()
    serve_line(community_id=community.pk, at=at)
    _note_change(community.pk, at=at)
    record(Action.PLACES_STATED, by=by, at=at, target=f"HealthcareService/{community.pk}")
    capacity.refresh_from_db()
    return capacity


def _is_known(message: Message, capacity: Capacity) -> bool:
    """Whether it is the last one again. Raises NotNewer for one before it."""
    if message.id == capacity.message_id:
        return True
    if capacity.message_at is not None and message.at <= capacity.message_at:
        raise NotNewer
    return False


def _taken_and_held(community: Community) -> tuple[int, int]:
    own = Reservation.objects.filter(community=community)
    taken = own.filter(state=PlaceState.TAKEN).count()
    return taken, own.filter(state=PlaceState.OFFERED).count()


def _note_change(community_id: UUID, *, at: datetime) -> None:
    """Whether there is room is a fact of the community: whoever keeps a copy of those sees that one has changed."""
    Community.objects.filter(pk=community_id, updated_at__lt=at).update(updated_at=at)


def _adopt(community: Community, members: Iterable[Member], *, at: datetime) -> None:
    live = Reservation.objects.filter(community=community).exclude(state=PlaceState.RELEASED)
    known = set(live.values_list("holder", flat=True))
    Reservation.objects.bulk_create(
        Reservation(
            community=community,
            holder=member.holder,
            tenant_id=member.tenant_id,
            state=PlaceState.TAKEN,
            asked_at=at,
        )
        for member in members
        if member.holder not in known
    )


def _asked(holder: UUID) -> list[UUID]:
    """The communities in which somebody has a place or awaits one."""
    live = Reservation.objects.filter(holder=holder).exclude(state=PlaceState.RELEASED)
    return list(live.values_list("community_id", flat=True))


def _hold(*community_ids: UUID) -> None:
    """Lock the lines of communities in the one order for all, so that nobody waits in a circle."""
    rows = Capacity.objects.filter(pk__in=community_ids).order_by("pk")
    list(rows.select_for_update())


def _live(community_id: UUID, holder: UUID) -> QuerySet[Reservation]:
    own = Reservation.objects.filter(community_id=community_id, holder=holder)
    return own.exclude(state=PlaceState.RELEASED)


def _use_one(community_id: UUID) -> bool:
    """Count one place more, if there is one: the one statement that decides who gets the last place."""
    has_room = Q(total__isnull=True) | Q(used__lt=F("total"))
    free = Capacity.objects.filter(has_room, pk=community_id)
    return bool(free.update(used=F("used") + 1))
