"""Every published example is taken or refused in good order, as corpus.csv says beside this file."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from integrations.fhir import bindings, checking, service_request, validating, wire
from integrations.fhir.outcome import Refused, operation_outcome, refusal
from referrals.intake import NewReferral
from tests.integrations.fhir.cast import BASE_URL, Change, Document, Referral, verdict
from tests.integrations.fhir.reading import TAKES, take_in

CORPUS = Path(__file__).parents[4] / "shared" / "fhir-examples"
EXPECTED = Path(__file__).with_name("corpus.csv")
TAKEN = ("ServiceRequest", "Patient", "Bundle")

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="../shared/fhir-examples is absent")


def _index() -> list[dict[str, str]]:
    with (CORPUS / "INDEX.csv").open(encoding="utf-8") as index:
        return list(csv.DictReader(index))


def _json_files() -> list[dict[str, str]]:
    return [row for row in _index() if row["file"].endswith(".json")]


def _resource(row: dict[str, str]) -> dict[str, Any]:
    return wire.parse((CORPUS / row["file"]).read_bytes())


def _verdict(row: dict[str, str]) -> Refused | None:
    return verdict(lambda: take_in((CORPUS / row["file"]).read_bytes(), row["type"]))


def test_every_refusal_says_what_is_wrong_and_where() -> None:
    rows = [row for row in _json_files() if row["type"] in TAKEN]
    taken: Counter[str] = Counter()

    for row in rows:
        refused = _verdict(row)
        taken[row["type"]] += refused is None
        for finding in refused.findings if refused else ():
            assert finding.severity in {"error", "warning"}
            assert finding.code in bindings.ISSUE_TYPES
            assert finding.text.endswith(".")
            assert finding.expression.startswith(row["type"]), row["file"]
        if refused:
            outcome = operation_outcome(refused.findings)
            assert not checking.check(outcome, resource_type="OperationOutcome")

    # The sound Patients are all taken; no published ServiceRequest asks for peer support.
    assert taken == {"Patient": 11, "ServiceRequest": 0, "Bundle": 0}


def test_every_published_example_gets_the_answer_that_is_written_down() -> None:
    with EXPECTED.open(encoding="utf-8") as table:
        expected = {row["file"]: (row["answer"], row["reason"]) for row in csv.DictReader(table)}

    found = {row["file"]: _answer(row) for row in _index()}

    assert len(found) == 227
    assert found == expected


def test_the_checks_refuse_what_the_model_refuses_and_of_the_rest_only_what_is_known_to_be_wrong() -> (
    None
):
    wrong_in_other_ways = {
        "barsapi/examples1.4.0_OperationOutcome_REC_500-REC_SERVER_ERROR-too_costly.json",
        "r4/Questionnaire-zika-virus-exposure-assessment.json",  # its narrative has no content
    }

    for row in _json_files():
        found = validating.validate(
            validating.Wanted(
                resource=_resource(row), profile=f"{validating.R4_PROFILES}{row['type']}"
            ),
            resource_type=row["type"],
            takes=TAKES,
            base_url=BASE_URL,
        )
        should_be = row["parses_as_r4b"] == "ok" and row["file"] not in wrong_in_other_ways
        assert should_be != checking.has_errors(found), row["file"]


def test_reading_and_writing_loses_nothing() -> None:
    for row in _json_files():
        body = (CORPUS / row["file"]).read_bytes()
        assert _as_written(wire.dump(wire.parse(body))) == _as_written(body), row["file"]


def _as_written(body: bytes) -> Any:
    """Every member in its order and every number as its text."""
    return json.loads(body, parse_float=str, parse_int=str, object_pairs_hook=list)


def _answer(row: dict[str, str]) -> tuple[str, str]:
    """What $validate would have a create answered with, and the first reason for it."""
    if row["file"].endswith(".xml"):
        return "415", "not-supported"
    found = validating.validate(
        validating.Wanted(resource=_resource(row)),
        resource_type=row["type"],
        takes=TAKES,
        base_url=BASE_URL,
    )
    answer = str(refusal(found).status) if checking.has_errors(found) else "sound"
    first = sorted(found, key=lambda finding: not finding.is_error)[:1]
    return answer, " ".join(f"{finding.code} {finding.expression}" for finding in first)


def test_published_referrals_made_into_ours_are_taken_and_go_back_word_for_word() -> None:
    ours: dict[str, Any] = {
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "711281004"}]},
        "subject": {
            "identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}
        },
        "reasonCode": [{"coding": [{"system": "http://snomed.info/sct", "code": "422650009"}]}],
    }
    rows = [
        row
        for row in _json_files()
        if row["type"] == "ServiceRequest" and row["parses_as_r4b"] == "ok"
    ]

    assert rows
    for row in rows:
        sent = wire.parse((CORPUS / row["file"]).read_bytes()) | ours
        sent.pop("doNotPerform", None)
        new = take_in(wire.dump(sent), "ServiceRequest")
        assert isinstance(new, NewReferral)
        rendered = service_request.render(
            Referral(), Change(request_document=Document(new.document)), base_url=BASE_URL
        )
        assert checking.check(rendered, resource_type="ServiceRequest") == [], row["file"]
        for name in sent.keys() - {"id", "meta", "identifier", "subject"}:
            assert wire.dump({"x": rendered[name]}) == wire.dump({"x": sent[name]}), row["file"]
