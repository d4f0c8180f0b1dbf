"""Other people's checkers accept every FHIR body that the other tests saw: answered, sent and accepted, or handed in."""

import os
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from scripts.suite import BODIES
from tests.eyes.checking import CHECKERS, FALSE_ALARMS, Body, Checker, FalseAlarm, Finding, kept

pytestmark = pytest.mark.eyes

each_checker = pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.name)
_MOST_SHOWN = 20


@cache
def _findings(checker: Checker, bodies: tuple[Body, ...]) -> tuple[Finding, ...]:
    return tuple(checker.findings(bodies))


@pytest.fixture
def bodies() -> tuple[Body, ...]:
    """What the tests before this one kept."""
    folder = os.environ.get(BODIES)
    if not folder:
        pytest.skip("No bodies were kept for the checkers: make eyes keeps and checks them.")
    found = kept(Path(folder))
    assert found, "the tests before this one kept no FHIR body"
    return found


@each_checker
def test_every_body_is_accepted(
    checker: Checker, bodies: tuple[Body, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    findings = _findings(checker, bodies)

    alarms = [alarm for alarm in FALSE_ALARMS if alarm.checker == checker.name]
    faults = [found for found in findings if not any(alarm.explains(found) for alarm in alarms)]

    with capsys.disabled():
        print(_account(checker, bodies, findings, faults))  # noqa: T201
    assert not faults, "\n".join(str(fault) for fault in faults[:_MOST_SHOWN])


def _account(
    checker: Checker, bodies: tuple[Body, ...], findings: tuple[Finding, ...], faults: list[Finding]
) -> str:
    refused = len({found.body for found in faults})
    alarmed = len({found.body for found in findings}) - refused
    types = Counter(body.resource_type for body in bodies).most_common()
    listed = ", ".join(f"{count} {name}" for name, count in types)
    return (
        f"\n{checker.name}: {len(bodies)} bodies, {refused} refused, {alarmed} known false alarms"
        f"\n  {listed}"
    )


@pytest.mark.parametrize("alarm", FALSE_ALARMS, ids=lambda alarm: f"{alarm.checker} {alarm.body}")
def test_a_known_false_alarm_still_occurs(alarm: FalseAlarm, bodies: tuple[Body, ...]) -> None:
    checker = next(checker for checker in CHECKERS if checker.name == alarm.checker)

    assert any(alarm.explains(finding) for finding in _findings(checker, bodies))


@each_checker
def test_a_checker_knows_a_wrong_body_from_a_right_one(checker: Checker) -> None:
    right = Body('{"resourceType":"Task","status":"requested","intent":"order"}', "", "")
    wrong = Body('{"resourceType":"Task","status":"requested"}', "", "")

    findings = checker.findings((right, wrong))

    assert {finding.body for finding in findings} == {wrong}
