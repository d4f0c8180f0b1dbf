"""Marked patients go through every flow, errors included: afterwards their marks stand nowhere in the clear."""

from collections.abc import Iterator

import pytest

from scripts.marked import MarkedWalk
from scripts.stack import Stack

pytestmark = pytest.mark.journey

PATIENTS = 20


@pytest.fixture(scope="module")
def walk() -> Iterator[MarkedWalk]:
    with Stack(settings={"BEHIND_PROXY": "1"}) as stack:
        walked = MarkedWalk(stack, patients=PATIENTS)
        walked.run()
        yield walked


def test_no_mark_is_left_in_the_clear(walk: MarkedWalk) -> None:
    assert walk.traces() == []


def test_messages_name_neither_the_patient_nor_the_condition(walk: MarkedWalk) -> None:
    assert walk.talkative_messages() == []


def test_every_kind_of_answer_was_among_them_and_no_fault(walk: MarkedWalk) -> None:
    assert {200, 201, 202, 302, 400, 401, 404, 409, 422} <= set(walk.statuses)
    assert max(walk.statuses) < 500


def test_a_mark_that_is_left_somewhere_is_found(walk: MarkedWalk) -> None:
    patient = walk.patients[0]
    planted = walk._stack.folder / "planted.log"
    for left in (
        patient.marks["note"].upper(),
        patient.person.nhs_number,
        patient.person.phone,
        patient.postcode,
    ):
        planted.write_text(f"x{left}x", encoding="utf-8")
        assert len(walk.traces()) == 1, left
    planted.unlink()
