"""Whether a resource is sound R4: structure, codes, references, invariants and narrative.

What a peer-support referral must be beyond that is read in service_request and its neighbours; ``accept``
does both and tells every fault at once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from integrations.fhir import codes, deviations, invariants, narrative, needs, references
from integrations.fhir.outcome import (
    Finding,
    Refused,
    malformed,
    refusal,
    tolerated,
    unprocessable,
)
from integrations.fhir.structure import Walk, unknown_type

_MOST_FINDINGS = 100
_MEANING = (codes.check, references.check, invariants.check, narrative.check)

Content = TypeVar("Content")


@dataclass(frozen=True, kw_only=True)
class Accepted(Generic[Content]):
    """What was read from a resource, and the deviations that were tolerated on the way."""

    content: Content
    warnings: tuple[Finding, ...]


def accept(
    resource: dict[str, Any],
    *,
    resource_type: str,
    read: Callable[[dict[str, Any]], Content],
    base_url: str,
    is_strict: bool = False,
) -> Accepted[Content]:
    """Check a resource and ``read`` it. Raises Refused with the faults of both: 400 for form, otherwise 422."""
    findings = check(resource, resource_type=resource_type, is_strict=is_strict)
    if resource.get("resourceType") != resource_type:
        raise refusal(findings)
    findings += _not_understood(resource, resource_type)
    findings += needs.misplaced(resource, at=resource_type, base_url=base_url)
    try:
        content = read(resource)
    except Refused as refused:
        raise refusal(_together(findings, refused.findings, resource_type)) from None
    if has_errors(findings):
        raise refusal(findings)
    return Accepted(content=content, warnings=tuple(findings))


def _not_understood(value: Any, at: str) -> Iterator[Finding]:
    """What changes the meaning of the rest in a way that is not known here: R4 forbids to act on it."""
    if isinstance(value, list):
        for place, member in enumerate(value):
            yield from _not_understood(member, f"{at}[{place}]")
    elif isinstance(value, dict):
        for name, member in value.items():
            if name in ("modifierExtension", "implicitRules"):
                text = "This changes the meaning of the resource and is not understood. Send it without."
                yield unprocessable("extension", text, f"{at}.{name}")
            elif not name.startswith("_"):
                yield from _not_understood(member, f"{at}.{name}")


def has_errors(findings: Sequence[Finding]) -> bool:
    """Whether one of them bars the resource."""
    return any(finding.is_error for finding in findings)


def check(
    resource: dict[str, Any], *, resource_type: str, is_strict: bool = False
) -> list[Finding]:
    """Every finding about the resource as R4, each once; never raises, whatever the dict holds.

    Known deviations of real senders are warnings, for a strict client errors.
    """
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
        findings.extend(deviations.check(node, is_strict=is_strict))
    # The model would repeat our findings in its own words, so it is asked only for what is left.
    if not has_errors(findings):
        findings += _second_opinion(resource, resource_type)
    # A value and its "_" sibling share a place, and so may share a fault.
    return _listed(list(dict.fromkeys(findings)), resource_type)


def _together(
    findings: list[Finding], read: Sequence[Finding], resource_type: str
) -> list[Finding]:
    """The findings, and those of reading that do not merely follow from one at the same place or below it."""
    places = [finding.expression for finding in findings if finding.is_error]
    more = [f for f in read if not any(_is_at_or_below(place, f.expression) for place in places)]
    return _listed([*findings, *more], resource_type)


def _is_at_or_below(place: str, other: str) -> bool:
    return place == other or place.startswith((f"{other}.", f"{other}["))


def _listed(findings: list[Finding], resource_type: str) -> list[Finding]:
    """The findings, but not without end: errors before warnings."""
    if len(findings) <= _MOST_FINDINGS:
        return findings
    say = unprocessable if has_errors(findings) else tolerated
    rest = f"{len(findings) - _MOST_FINDINGS} more findings are not listed."
    first = sorted(findings, key=lambda finding: not finding.is_error)[:_MOST_FINDINGS]
    return [*first, say("processing", rest, resource_type)]


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
