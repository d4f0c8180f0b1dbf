"""Every published ServiceRequest, Patient and Bundle is taken or refused in good order."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from integrations.fhir import checking, codes, service_request, wire
from integrations.fhir.outcome import Refused, operation_outcome
from referrals.intake import NewReferral
from tests.integrations.fhir.cast import BASE_URL, Change, Referral, verdict
from tests.integrations.fhir.reading import take_in

CORPUS = Path(__file__).parents[4] / "shared" / "fhir-examples"
TAKEN = ("ServiceRequest", "Patient", "Bundle")

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="../shared/fhir-examples is absent")


def _index() -> list[dict[str, str]]:
    with (CORPUS / "INDEX.csv").open(encoding="utf-8") as index:
        return [row for row in csv.DictReader(index) if row["file"].endswith(".json")]


def _verdict(row: dict[str, str]) -> Refused | None:
    return verdict(lambda: take_in((CORPUS / row["file"]).read_bytes(), row["type"]))


def test_every_refusal_says_what_is_wrong_and_where() -> None:
    rows = [row for row in _index() if row["type"] in TAKEN]
    taken: Counter[str] = Counter()

    for row in rows:
        refused = _verdict(row)
        taken[row["type"]] += refused is None
        for finding in refused.findings if refused else ():
            assert finding.severity == "error"
            assert finding.code in codes.ISSUE_TYPES
            assert finding.text.endswith(".")
            assert finding.expression.startswith(row["type"]), row["file"]
        if refused:
            outcome = operation_outcome(refused.findings)
            assert checking.check(outcome, resource_type="OperationOutcome") == []

    # The sound Patients are all taken; no published ServiceRequest asks for peer support.
    assert taken == {"Patient": 11, "ServiceRequest": 0, "Bundle": 0}


def test_the_checks_agree_with_the_model_about_published_examples() -> None:
    """The checks refuse what the model refuses, and of the rest only what is known to be wrong."""
    wrong_in_other_ways = {
        "barsapi/examples1.4.0_OperationOutcome_REC_500-REC_SERVER_ERROR-too_costly.json",
        "r4/Questionnaire-zika-virus-exposure-assessment.json",  # its narrative has no content
    }

    for row in _index():
        resource = wire.parse((CORPUS / row["file"]).read_bytes())
        is_sound = not checking.check(resource, resource_type=row["type"])
        should_be = row["parses_as_r4b"] == "ok" and row["file"] not in wrong_in_other_ways
        assert is_sound == should_be, row["file"]


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
        row for row in _index() if row["type"] == "ServiceRequest" and row["parses_as_r4b"] == "ok"
    ]

    assert rows
    for row in rows:
        sent = wire.parse((CORPUS / row["file"]).read_bytes()) | ours
        sent.pop("doNotPerform", None)
        new = take_in(wire.dump(sent), "ServiceRequest")
        assert isinstance(new, NewReferral)
        rendered = service_request.render(
            Referral(document=new.document), Change(), base_url=BASE_URL
        )
        assert checking.check(rendered, resource_type="ServiceRequest") == [], row["file"]
        for name in sent.keys() - {"id", "meta", "identifier", "subject"}:
            assert wire.dump({"x": rendered[name]}) == wire.dump({"x": sent[name]}), row["file"]
