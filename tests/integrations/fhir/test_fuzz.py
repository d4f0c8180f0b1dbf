"""Whatever is sent, the answer is a referral or a refusal: never another exception."""

from copy import deepcopy
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.fhir import checking, wire
from integrations.fhir.outcome import Finding, operation_outcome
from tests.integrations.fhir.cast import example, verdict
from tests.integrations.fhir.reading import read_unchecked, take_in

EXAMPLES = {"patient": "Patient", "referral": "ServiceRequest", "transaction": "Bundle"}
NAMES = st.sampled_from(
    [
        "resourceType",
        "id",
        "meta",
        "text",
        "div",
        "status",
        "contained",
        "extension",
        "url",
        "valueString",
        "valueDecimal",
        "subject",
        "reference",
        "identifier",
        "system",
        "value",
        "coding",
        "code",
        "name",
        "given",
        "_given",
        "family",
        "telecom",
        "use",
        "entry",
        "resource",
        "request",
        "fullUrl",
        "birthDate",
        "_birthDate",
        "deceasedBoolean",
        "reasonCode",
        "orderDetail",
        "period",
        "start",
        "requester",
        "type",
        "note",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from(["0.40", "1e400", "-0", "99999999999999999999"]).map(wire.Number)
    | st.text(max_size=8)
    | st.sampled_from(
        ["Patient", "ServiceRequest", "Bundle", "Prescription", "#", "#patient", "urn:uuid:x",
         "active", "https://fhir.nhs.uk/Id/nhs-number", "9990000018", "2026-02-30", "2026",
         "Patient/1", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60-14:00", "<div/>"]
    )
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
LOOSE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a resource where something could be changed."""
    if isinstance(value, dict):
        steps: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    else:
        return []
    found = [(*path, step) for step, _ in steps]
    return found + [place for step, inner in steps for place in _places(inner, (*path, step))]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """An example with up to three places replaced, removed, doubled or given a new neighbour."""
    name, resource_type = draw(st.sampled_from(sorted(EXAMPLES.items())))
    resource = deepcopy(example(name))
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(_places(resource)))
        holder: Any = resource
        for step in parents:
            holder = holder[step]
        change = draw(st.sampled_from(["replace", "remove", "double", "add"]))
        if change == "remove":
            del holder[last]
        elif change == "double":
            holder[last] = [holder[last], holder[last]]
        elif change == "add" and isinstance(holder, dict):
            holder[draw(NAMES)] = draw(VALUES)
        else:
            holder[last] = draw(VALUES)
    return resource, resource_type


@LOOSE
@given(mutated())
def test_a_mutated_resource_is_taken_or_refused(sent: tuple[dict[str, Any], str]) -> None:
    resource, resource_type = sent

    refused = verdict(lambda: take_in(wire.dump(resource), resource_type))

    if refused:
        assert refused.status in {400, 422}
        assert refused.findings
        outcome = operation_outcome(refused.findings)
        assert checking.check(outcome, resource_type="OperationOutcome") == []


@LOOSE
@given(mutated())
def test_no_fault_is_told_twice(sent: tuple[dict[str, Any], str]) -> None:
    resource, resource_type = sent

    findings = checking.check(resource, resource_type=resource_type)

    assert len(findings) == len(set(findings))


@LOOSE
@given(mutated())
def test_what_the_model_refuses_the_checks_refuse_in_their_own_words(
    sent: tuple[dict[str, Any], str],
) -> None:
    resource, resource_type = sent
    findings = checking.check(resource, resource_type=resource_type)
    try:
        get_fhir_model_class(resource_type).model_validate(resource)
    except Exception:  # the model lets out TypeError, KeyError and more beside its ValidationError
        assert findings
        assert not any(_is_second_opinion(finding) for finding in findings)


def _is_second_opinion(finding: Finding) -> bool:
    return finding.text == "This is not what R4 allows here."


@LOOSE
@given(mutated())
def test_reading_stands_without_the_checks_too(sent: tuple[dict[str, Any], str]) -> None:
    resource, resource_type = sent

    refused = verdict(lambda: read_unchecked(resource, resource_type))

    assert refused is None or refused.status == 422


@LOOSE
@given(st.dictionaries(NAMES | st.text(max_size=3), VALUES, max_size=6))
def test_any_object_at_all_is_checked(resource: dict[str, Any]) -> None:
    for resource_type in EXAMPLES.values():
        checking.check(resource, resource_type=resource_type)
        checking.check(resource | {"resourceType": resource_type}, resource_type=resource_type)


@LOOSE
@given(st.binary(max_size=64) | st.text(max_size=64).map(str.encode))
def test_any_bytes_at_all_are_read_or_refused(body: bytes) -> None:
    refused = verdict(lambda: wire.parse(body))

    assert refused is None or refused.status == 400
