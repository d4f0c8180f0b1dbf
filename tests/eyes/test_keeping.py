"""What is kept for the checkers, and what becomes of their tests where they cannot be installed."""

import json
from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from tests.eyes import recorder
from tests.eyes.checking import Body, FalseAlarm, Finding, kept
from tests.eyes.tools import PythonTool, ToolAbsent, command_of

TASK = json.dumps({"resourceType": "Task", "status": "requested", "intent": "order"})
OUTCOME = json.dumps({"resourceType": "OperationOutcome", "issue": []})
FHIR_JSON = "application/fhir+json"


class _Absent(PythonTool):
    def command(self) -> list[str]:
        raise ToolAbsent("It is not here.")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(recorder, "_keepers", [recorder._Keeper(tmp_path)])
    return tmp_path


def _pass(answer: HttpResponse, *, sent: str = TASK) -> None:
    """A request whose body the view reads and answers with ``answer``."""

    def view(request: HttpRequest) -> HttpResponse:
        assert request.body
        return answer

    recorder.Recorder(view)(RequestFactory().post("/fhir/R4/Task", sent, content_type=FHIR_JSON))


def test_an_answer_and_what_it_accepted_are_kept_once(folder: Path) -> None:
    for _ in range(2):
        _pass(HttpResponse(OUTCOME, content_type=FHIR_JSON, status=201))

    assert [(body.text, body.origin) for body in kept(folder)] == [
        (OUTCOME, "answer to POST /fhir/R4/Task 201"),
        (TASK, "sent with POST /fhir/R4/Task 201"),
    ]


def test_what_was_refused_is_not_kept_but_its_answer_is(folder: Path) -> None:
    _pass(HttpResponse(OUTCOME, content_type=FHIR_JSON, status=400))

    assert [body.resource_type for body in kept(folder)] == ["OperationOutcome"]


def test_each_line_of_an_export_is_a_body(folder: Path) -> None:
    lines = HttpResponse(f"{OUTCOME}\n{TASK}\n", content_type="application/fhir+ndjson", status=200)

    _pass(lines, sent="{}")

    assert [body.text for body in kept(folder)] == [OUTCOME, TASK]


@pytest.mark.parametrize("text", ["<p>no</p>", '{"errors": []}', "[]", '"resourceType"'])
def test_what_is_no_resource_is_not_kept(folder: Path, text: str) -> None:
    _pass(HttpResponse(text, content_type="application/json"), sent="{}")

    assert kept(folder) == ()


@pytest.mark.parametrize(("fault", "text"), [("Another.", "T23:59:60"), ("Invalid.", "T23:59:59")])
def test_a_false_alarm_explains_its_fault_in_its_body_only(fault: str, text: str) -> None:
    alarm = FalseAlarm("any", r"^Invalid\.$", "T23:59:60", "a reason")

    assert alarm.explains(Finding(Body("T23:59:60", "", ""), "Invalid."))
    assert not alarm.explains(Finding(Body(text, "", ""), fault))


def test_a_missing_tool_skips_with_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_SERVICES", raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"It is not here\."):
        command_of(_Absent("none"))


def test_a_missing_tool_fails_where_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_SERVICES", "1")

    with pytest.raises(pytest.fail.Exception, match="REQUIRE_SERVICES=1"):
        command_of(_Absent("none"))
