"""A thousand ask for the last places at the same moment: none is given twice, and the line keeps its order.

On PostgreSQL and on a file of SQLite's, each side with a connection of its own.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Lock
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction
from django.db.backends.signals import connection_created
from django.utils import timezone

from accounts.actors import SYSTEM
from communities import capacity
from communities.capacity import Full, Member, Statement
from communities.models import Capacity, Community, PlaceState, Reservation
from tests import application_role

pytestmark = pytest.mark.django_db(transaction=True)

SIDES = 16
ASKING = 1_000
TENANT = uuid4()

Result = TypeVar("Result")


@pytest.fixture(autouse=True)
def _file(tmp_path: Path) -> Iterator[None]:
    """On SQLite: a file in place of the memory of this process, for the connections of other threads."""
    if connection.vendor == "postgresql":
        yield
        return
    path = tmp_path / "places.sqlite3"
    connection.ensure_connection()
    with sqlite3.connect(path) as file:
        connection.connection.backup(file)
    file.close()
    in_memory = connections.settings["default"]
    own = in_memory | {"NAME": str(path), "OPTIONS": in_memory["OPTIONS"] | {"timeout": 60}}
    connections.settings["default"] = own
    # The roles are PostgreSQL's, and the triggers came with the copy.
    connection_created.disconnect(dispatch_uid=application_role.UID)
    yield
    application_role.take()
    connections.settings["default"] = in_memory


def elsewhere(do: Callable[[], Result]) -> Result:
    """Do it on a connection of its own."""

    def done() -> Result:
        try:
            return do()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(done).result()


def at_once(do: Callable[[int], Result], *, times: int) -> list[Result]:
    """Do it so many times from SIDES sides at the same moment, each with its share."""
    together = Barrier(SIDES)

    def share(side: int) -> list[Result]:
        try:
            together.wait(timeout=30)
            return [do(number) for number in range(side, times, SIDES)]
        finally:
            connection.close()

    with ThreadPoolExecutor(SIDES) as pool:
        return [result for results in pool.map(share, range(SIDES)) for result in results]


def community_id() -> UUID:
    return Community.objects.get(key="f001").pk


def state(total: int, *, line: bool) -> None:
    capacity.state_capacity(
        community=Community.objects.get(key="f001"),
        statement=Statement(total=total, has_waiting_list=line),
        members=(),
        by=SYSTEM,
        at=timezone.now(),
    )


def ask(community: UUID, holder: UUID) -> str:
    try:
        return capacity.ask_for_place(
            community_id=community, member=Member(holder, TENANT), at=timezone.now()
        )
    except Full:
        return "full"


@pytest.mark.parametrize("places", [1, 7, 50])
def test_a_thousand_ask_for_the_last_places(places: int) -> None:
    elsewhere(lambda: state(places, line=False))
    community = elsewhere(community_id)

    answers = at_once(lambda _: ask(community, uuid4()), times=ASKING)

    assert Counter(answers) == {PlaceState.TAKEN: places, "full": ASKING - places}
    assert elsewhere(lambda: Capacity.objects.get().used) == places
    assert elsewhere(Reservation.objects.count) == places


def test_the_line_keeps_its_order_while_places_come_and_go() -> None:
    elsewhere(lambda: state(5, line=True))
    community = elsewhere(community_id)
    people = [uuid4() for _ in range(200)]
    lock, done = Lock(), []

    def come_and_go(number: int) -> str:
        answer = ask(community, people[number])
        if answer == PlaceState.TAKEN:
            capacity.release(community_id=community, holder=people[number], at=timezone.now())
            with lock:
                done.append(number)
        return answer

    answers = Counter(at_once(come_and_go, times=len(people)))

    def left() -> tuple[int, list[str]]:
        line = Reservation.objects.exclude(state=PlaceState.RELEASED).order_by("pk")
        return Capacity.objects.get().used, list(line.values_list("state", flat=True))

    used, states = elsewhere(left)
    assert answers[PlaceState.TAKEN] == len(done) >= 5
    # Whoever came first is served first: those who are offered a place stand before all who still wait.
    held, waiting = states.count(PlaceState.OFFERED), states.count(PlaceState.WAITING)
    assert states == [PlaceState.OFFERED] * held + [PlaceState.WAITING] * waiting
    assert held + waiting == answers[PlaceState.WAITING]
    assert used == held == min(5, held + waiting)


def test_whoever_goes_from_one_full_community_to_another_waits_in_no_circle() -> None:
    """Half have the places of one and want the other's, and the other way round."""

    def prepare() -> tuple[UUID, UUID]:
        first, second = Community.objects.filter(key__in=["f001", "f002"]).order_by("key")
        for each in (first, second):
            capacity.state_capacity(
                community=each,
                statement=Statement(total=40),
                members=(),
                by=SYSTEM,
                at=timezone.now(),
            )
        return first.pk, second.pk

    both = elsewhere(prepare)
    people = [uuid4() for _ in range(64)]
    elsewhere(lambda: [ask(both[number % 2], holder) for number, holder in enumerate(people)])

    def change(number: int) -> str:
        wanted = both[1 - number % 2]
        with transaction.atomic():
            answer = ask(wanted, people[number])
            if answer == PlaceState.TAKEN:
                capacity.release_all(holder=people[number], at=timezone.now(), but=wanted)
        return answer

    answers = at_once(change, times=len(people))

    def left() -> list[tuple[int, int]]:
        return [
            (row.used, Reservation.objects.filter(community=row.pk, state="taken").count())
            for row in Capacity.objects.all()
        ]

    counted = elsewhere(left)
    assert sum(used for used, _taken in counted) == len(people)
    assert all(used == taken <= 40 for used, taken in counted)
    assert set(answers) <= {PlaceState.TAKEN, "full"}
