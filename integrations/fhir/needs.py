"""What a referral says of its patient's needs: two extensions of this service on ServiceRequest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from communities.matching.need import STAGES, Preference
from communities.safety import crisis_route
from integrations.fhir import fields
from integrations.fhir.outcome import Finding, unprocessable
from integrations.fhir.systems import own, own_definition

NEED, ACUTE_RISK = "peer-support-need", "acute-risk"
_CODES = frozenset(Preference)
ONE_STAGE = "A person is at one stage of change: send one."
_ELSEWHERE = (
    f"This extension is not read here. {NEED} and {ACUTE_RISK} stand in ServiceRequest.extension."
)
_ONE_ANSWER = f"Whether there is an acute risk is answered once: send {ACUTE_RISK} once."


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Codes of Preference, and whether there is an acute risk (None: not answered)."""

    preferences: frozenset[str]
    has_acute_risk: bool | None


def read(resource: dict[str, Any], base_url: str) -> Needs:
    """The needs of a ServiceRequest in which ``faults`` finds none."""
    answers = [
        extension.get("valueBoolean") for _place, extension in _ours(resource, ACUTE_RISK, base_url)
    ]
    return Needs(
        preferences=frozenset(
            fields.text(fields.child(extension, "valueCoding"), "code")
            for _place, extension in _ours(resource, NEED, base_url)
        ),
        has_acute_risk=any(answers) if answers else None,
    )


def faults(resource: dict[str, Any], *, base_url: str, at: str) -> Iterator[Finding]:
    """What cannot be read of them. Nothing is passed over: a need that is not understood would not be met."""
    system = own(base_url, NEED)
    stages = 0
    for place, extension in _ours(resource, NEED, base_url):
        coding = fields.child(extension, "valueCoding")
        code = fields.text(coding, "code")
        if fields.text(coding, "system") != system or code not in _CODES:
            text = f"This need is not known. Send a valueCoding with a code of {system}."
            yield unprocessable("code-invalid", text, f"{at}.extension[{place}]")
        stages += code in STAGES
    if stages > 1:
        yield unprocessable("business-rule", ONE_STAGE, f"{at}.extension")
    answers = list(_ours(resource, ACUTE_RISK, base_url))
    if len(answers) > 1:
        yield unprocessable("business-rule", f"{_ONE_ANSWER} {crisis_route()}", f"{at}.extension")
    for place, extension in answers:
        if not isinstance(extension.get("valueBoolean"), bool):
            text = "Whether there is an acute risk is answered by valueBoolean, true or false."
            yield unprocessable("required", text, f"{at}.extension[{place}]")


def misplaced(resource: dict[str, Any], *, at: str, base_url: str) -> Iterator[Finding]:
    """Extensions of this service, or of nearly their names, that nothing reads: what they say is never dropped in silence."""
    ours, homes = own_definition(base_url, ""), set(_homes(resource, at))
    for place, url in _extensions(resource, at):
        name = url.partition("|")[0].rstrip("/").rpartition("/")[2].lower()
        is_read = url in (ours + NEED, ours + ACUTE_RISK) and place.rpartition(".")[0] in homes
        if (url.startswith(ours) or name in (NEED, ACUTE_RISK)) and not is_read:
            text = f"{_ELSEWHERE} {crisis_route()}" if name == ACUTE_RISK else _ELSEWHERE
            yield unprocessable("structure", text, place)


def _homes(resource: dict[str, Any], at: str) -> Iterator[str]:
    """The places of the referrals that are read from a resource."""
    kind = fields.text(resource, "resourceType")
    if kind == "ServiceRequest":
        yield at
    elif kind == "Task":
        focus = fields.text(fields.child(resource, "focus"), "reference")
        for place, inner in fields.indexed(resource, "contained"):
            if focus == f"#{fields.text(inner, 'id')}":
                yield from _homes(inner, f"{at}.contained[{place}]")
    elif kind == "Bundle":
        for place, entry in fields.indexed(resource, "entry"):
            yield from _homes(fields.child(entry, "resource"), f"{at}.entry[{place}].resource")


def _extensions(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Every extension below, by its place and its URL."""
    if isinstance(value, list):
        for place, member in enumerate(value):
            yield from _extensions(member, f"{at}[{place}]")
    elif isinstance(value, dict):
        for place, extension in fields.indexed(value, "extension"):
            yield f"{at}.extension[{place}]", fields.text(extension, "url")
        for name, member in value.items():
            yield from _extensions(member, f"{at}.{name.removeprefix('_')}")


def _ours(
    resource: dict[str, Any], name: str, base_url: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    url = own_definition(base_url, name)
    for place, extension in fields.indexed(resource, "extension"):
        if fields.text(extension, "url") == url:
            yield place, extension
