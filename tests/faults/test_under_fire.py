"""Workers are killed, PostgreSQL is restarted, the broker is wiped: nothing is lost, doubled or sent twice.

The short form of ``make faults``.
"""

import os

import pytest

from scripts.faults.book import Carried
from scripts.faults.evidence import count
from scripts.faults.fire import Fire, Plan
from scripts.faults.senders import Sent
from scripts.servers import missing

SHORT = Plan(
    referrals=60,
    pace=8.0,
    kill_every=2.5,
    restarts=1,
    broker_away=2.0,
    practices=2,
    cuts_leases=True,
)


@pytest.mark.journey
def test_referrals_sent_under_fire_are_there_once_and_their_messages_go_once() -> None:
    if lack := missing():
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(f"{lack} REQUIRE_SERVICES=1 asks for it.")
        pytest.skip(lack)

    outcome = Fire(SHORT).burn()

    print(outcome.table)  # noqa: T201  (the figures are what this is for)
    assert outcome.faults == []
    assert len(outcome.sent) == SHORT.referrals
    assert outcome.kills >= 2
    assert (outcome.restarts, outcome.wipes) == (1, 1)


class _Holding:
    """A database that holds these referrals of these senders' identifiers."""

    def __init__(self, *rows: tuple[str, str, str]) -> None:
        self._rows = [*rows]

    def rows(self, database: str, question: str) -> list[tuple[str, ...]]:
        return [*self._rows] if "i.value" in question else []


def _carried(*handed_over: tuple[str, str]) -> Carried:
    seen = Carried()
    for reference, referral in handed_over:
        seen.note(reference, referral)
    return seen


SENT = [Sent("a", ("503", "201"), referral_id="1")]
HELD = ("a", "1", "REF-1")
HANDED_OVER = ("message-1", "REF-1")


def test_one_of_each_is_in_order_and_a_repeat_that_the_carrier_drops_is_no_fault() -> None:
    found = count(_Holding(HELD), "", SENT, _carried(HANDED_OVER, HANDED_OVER))

    assert found.faults == ()
    assert (found.lost, found.duplicates, found.sent_twice, found.repeats_dropped) == (0, 0, 0, 1)


def test_an_acknowledged_referral_that_is_not_there_is_lost() -> None:
    assert count(_Holding(), "", SENT, _carried()).lost == 1
    assert count(_Holding(("a", "2", "REF-2")), "", SENT, _carried(("m", "REF-2"))).lost == 1


def test_one_identifier_on_two_referrals_is_a_duplicate() -> None:
    twice = _Holding(HELD, ("a", "2", "REF-2"))

    assert count(twice, "", SENT, _carried(HANDED_OVER, ("m", "REF-2"))).duplicates == 1


def test_two_messages_for_one_referral_are_sent_twice() -> None:
    carrier = _carried(HANDED_OVER, ("message-2", "REF-1"))

    assert count(_Holding(HELD), "", SENT, carrier).sent_twice == 1


@pytest.mark.parametrize(
    "sent",
    [
        Sent("a", ("503", "503")),
        Sent("a", ("500", "201"), referral_id="1"),
        Sent("a", ("409",), referral_id="1"),
    ],
    ids=["never acknowledged", "a fault of ours", "known at the first try"],
)
def test_what_a_sender_should_not_be_told_is_a_fault(sent: Sent) -> None:
    assert len(count(_Holding(HELD), "", [sent], _carried(HANDED_OVER)).faults) == 1
