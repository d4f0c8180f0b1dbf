"""Whether a resource is sound R4: structure, codes, references, invariants and narrative.

What a peer-support referral must be beyond that is read in service_request and its neighbours.
"""

from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from integrations.fhir import codes, invariants, narrative, references
from integrations.fhir.outcome import Finding, malformed
from integrations.fhir.structure import Walk, unknown_type

_MOST_FINDINGS = 100
_MEANING = (codes.check, references.check, invariants.check, narrative.check)


def check(resource: dict[str, Any], *, resource_type: str) -> list[Finding]:
    """Every fault of the resource, each once; never raises, whatever the dict holds."""
    name = resource.get("resourceType")
    if name != resource_type:
        if name is None:
            return [unknown_type(name, resource_type)]
        text = f"A {resource_type} is wanted here: resourceType says otherwise."
        return [malformed("invalid", text, resource_type)]
    walk = Walk()
    walk.resource(resource, at=resource_type)
    findings = walk.findings
    for node in walk.nodes:
        for meaning in _MEANING:
            findings.extend(meaning(node))
    # A value and its "_" sibling share a place, and so may share a fault.
    findings = list(dict.fromkeys(findings))
    # The model would repeat our findings in its own words, so it is asked only for what is left.
    findings = findings or _second_opinion(resource, resource_type)
    if len(findings) > _MOST_FINDINGS:
        rest = f"{len(findings) - _MOST_FINDINGS} more faults are not listed."
        findings = [*findings[:_MOST_FINDINGS], malformed("processing", rest, resource_type)]
    return findings


def _second_opinion(resource: dict[str, Any], resource_type: str) -> list[Finding]:
    """What the R4B model of fhir.resources refuses, in our words."""
    try:
        get_fhir_model_class(resource_type).model_validate(resource)
    except ValidationError as error:
        paths = {_path(resource_type, fault["loc"]) for fault in error.errors(include_input=False)}
    except (KeyError, ValueError, RecursionError):
        # The model lets these out for a resource it cannot place or that is nested too deep.
        paths = {resource_type}
    else:
        return []
    text = "This is not what R4 allows here."
    return [malformed("structure", text, path) for path in sorted(paths)]


def _path(root: str, location: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return root + "".join(steps)
