"""What a referral says of its patient's needs: two extensions of this service on ServiceRequest, and words that warn."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from communities.matching.need import STAGES, Preference
from integrations.fhir import fields
from integrations.fhir.outcome import Finding, unprocessable
from integrations.fhir.systems import own, own_definition

NEED, ACUTE_RISK = "peer-support-need", "acute-risk"
_CODES = frozenset(Preference)
ONE_STAGE = "A person is at one stage of change: send one."


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Codes of Preference, whether there is an acute risk (None: not answered), and what was written in words, with
    the element it stands in.
    """

    preferences: frozenset[str]
    has_acute_risk: bool | None
    texts: tuple[tuple[str, str], ...]


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
        texts=_texts(resource),
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
    for place, extension in _ours(resource, ACUTE_RISK, base_url):
        if not isinstance(extension.get("valueBoolean"), bool):
            text = "Whether there is an acute risk is answered by valueBoolean, true or false."
            yield unprocessable("required", text, f"{at}.extension[{place}]")


def _texts(resource: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    reasons = [
        ("ServiceRequest.reasonCode", fields.text(concept, "text"))
        for concept in fields.children(resource, "reasonCode")
    ]
    notes = [
        ("ServiceRequest.note", fields.text(note, "text"))
        for note in fields.children(resource, "note")
    ]
    patient = ("ServiceRequest.patientInstruction", fields.text(resource, "patientInstruction"))
    return tuple(each for each in (*reasons, *notes, patient) if each[1])


def _ours(
    resource: dict[str, Any], name: str, base_url: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    url = own_definition(base_url, name)
    for place, extension in fields.indexed(resource, "extension"):
        if fields.text(extension, "url") == url:
            yield place, extension
