"""The profiles of this service: what it asks of a resource beyond R4, rule by rule as its reading does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from integrations.fhir.bundle import MAX_ENTRIES
from integrations.fhir.definitions.edition import Definition, Edition
from integrations.fhir.definitions.value_sets import (
    REFERRAL_CODE,
    REFERRAL_INTENT,
    REFERRAL_REASON,
    REFERRAL_STATUS,
)
from integrations.fhir.needs import ACUTE_RISK, NEED
from integrations.fhir.systems import NHS_NUMBER, TASK_CODE
from integrations.fhir.validating import OWN_PROFILES, R4_PROFILES

Element = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is asked of one element; of the resource itself where ``path`` is empty.

    ``is_required``: it must be there. ``bound`` is the key of a value set, and ``strength`` how firmly. ``more`` is
    whatever else R4 has for it. ``invariant`` is a key, what it means, and its FHIRPath. ``extension`` is the key of one
    of this service's own, which is a slice of the path.
    """

    path: str = ""
    text: str = ""
    is_required: bool = False
    is_supported: bool = False
    extension: str = ""
    bound: str = ""
    strength: str = "required"
    more: tuple[tuple[str, Any], ...] = ()
    invariants: tuple[tuple[str, str, str], ...] = ()


def _to(resource_type: str) -> tuple[str, Any]:
    target = {"code": "Reference", "targetProfile": [f"{R4_PROFILES}{resource_type}"]}
    return "type", [target]


_FULFIL = {"coding": [{"system": TASK_CODE, "code": "fulfill"}]}
_IS_NAMED = (
    f"subject.reference.exists() or subject.identifier.where(system = '{NHS_NUMBER}').exists()"
)
_BY_URL = {
    "discriminator": [{"type": "value", "path": "url"}],
    "ordered": False,
    "rules": "open",
}
_SUPPORTED = "Read, and shown to those who need it."
RULES: dict[str, tuple[str, str, tuple[Rule, ...]]] = {
    "ServiceRequest": (
        "Peer-support referral",
        "A referral of one patient to peer support.",
        (
            Rule(
                invariants=(
                    (
                        "psr-1",
                        "A reason has a system and a code",
                        "reasonCode.coding.where(system.exists() and code.exists()).exists()",
                    ),
                    (
                        "psr-2",
                        "An identifier of the referral is nobody's NHS number",
                        f"identifier.where(system = '{NHS_NUMBER}').empty()",
                    ),
                    (
                        "psr-3",
                        "The patient is referred to, or named by NHS number",
                        _IS_NAMED,
                    ),
                )
            ),
            Rule(path="extension", more=(("slicing", _BY_URL),)),
            Rule(path="extension", extension=NEED, is_supported=True),
            Rule(
                path="extension",
                extension=ACUTE_RISK,
                text="Once: asked for where something speaks of a risk.",
                more=(("max", "1"),),
                is_supported=True,
            ),
            Rule(
                path="identifier",
                text="The sender's own number: a second referral that bears it is refused.",
                is_supported=True,
            ),
            Rule(path="status", bound=REFERRAL_STATUS, is_supported=True),
            Rule(path="intent", bound=REFERRAL_INTENT),
            Rule(path="priority", text=_SUPPORTED, is_supported=True),
            Rule(
                path="doNotPerform",
                text="A request not to do something is no referral.",
                more=(("fixedBoolean", False),),
            ),
            Rule(path="code", is_required=True, bound=REFERRAL_CODE, is_supported=True),
            Rule(
                path="orderDetail",
                text="With the code contacting-subject-prohibited nobody is written to: the practice is asked instead.",
                is_supported=True,
            ),
            Rule(path="subject", is_required=True, is_supported=True, more=(_to("Patient"),)),
            Rule(path="authoredOn", text=_SUPPORTED, is_supported=True),
            Rule(
                path="requester",
                text="Where it names an ODS code, that of the sender's own organisation.",
                is_supported=True,
            ),
            Rule(
                path="reasonCode",
                is_required=True,
                bound=REFERRAL_REASON,
                strength="extensible",
                is_supported=True,
            ),
        ),
    ),
    "Patient": (
        "Referred patient",
        "Somebody who is referred. Without phone and e-mail address the practice hands over a letter.",
        (
            Rule(path="identifier", text="The NHS number, if there is one.", is_supported=True),
            Rule(path="name", text=_SUPPORTED, is_supported=True),
            Rule(
                path="telecom",
                text="Where any are sent, one must be a phone number or an e-mail address that can be used.",
                is_supported=True,
            ),
            Rule(path="gender", text="Some communities are for women or men.", is_supported=True),
            Rule(
                path="birthDate",
                text="In full: the patient opens the invitation with it.",
                is_required=True,
                is_supported=True,
            ),
            Rule(path="address", text="The postcode leads to the area.", is_supported=True),
            Rule(path="communication", text="The preferred language.", is_supported=True),
        ),
    ),
    "Task": (
        "Referral task",
        "That a referral be fulfilled, as its sender writes it. How it goes on is shown in the same Task.",
        (
            Rule(
                path="status", text="New: draft or requested. Then cancelled or entered-in-error."
            ),
            Rule(path="statusReason", text="Why, in words.", is_supported=True),
            Rule(path="intent", more=(("fixedCode", "order"),)),
            Rule(path="code", is_required=True, more=(("patternCodeableConcept", _FULFIL),)),
            Rule(
                path="focus",
                text="The referral: contained, in the same Bundle, or held here.",
                is_required=True,
                more=(_to("ServiceRequest"),),
            ),
            Rule(
                path="authoredOn",
                text="Without it there is a warning; a strict client is refused.",
                is_supported=True,
            ),
            Rule(
                path="requester",
                text="Without it there is a warning; a strict client is refused.",
                is_supported=True,
            ),
        ),
    ),
    "Bundle": (
        "Referral transaction",
        "Several interactions sent at once: all or nothing as a transaction, each by itself as a batch.",
        (
            Rule(
                invariants=(
                    (
                        "rtr-1",
                        "A batch or a transaction",
                        "type = 'batch' or type = 'transaction'",
                    ),
                )
            ),
            Rule(path="entry", is_required=True, more=(("max", str(MAX_ENTRIES)),)),
            Rule(path="entry.request", is_required=True),
        ),
    ),
}


def profiles(edition: Edition) -> list[Definition]:
    """Each as what it adds to R4's own definition of the type."""
    return [_written(kind, key, edition) for kind, key in OWN_PROFILES.items()]


def _written(kind: str, key: str, edition: Edition) -> Definition:
    title, text, rules = RULES[kind]
    begun = edition.begin("StructureDefinition", key, title, text)
    return begun | {
        "fhirVersion": "4.0.1",
        "kind": "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": f"{R4_PROFILES}{kind}",
        "derivation": "constraint",
        "differential": {
            "element": [dict(_element(kind, rule, begun["url"], edition)) for rule in rules]
        },
    }


def _element(kind: str, rule: Rule, source: str, edition: Edition) -> Iterator[tuple[str, Any]]:
    path = f"{kind}.{rule.path}" if rule.path else kind
    part = f":{rule.extension}" if rule.extension else ""
    yield from (("id", f"{path}{part}"), ("path", path))
    if rule.extension:
        profile = edition.canonical("StructureDefinition", rule.extension)
        yield from (
            ("sliceName", rule.extension),
            ("type", [{"code": "Extension", "profile": [profile]}]),
        )
    if rule.text:
        yield "definition", rule.text
    if rule.is_required:
        yield "min", 1
    yield from rule.more
    if rule.invariants:
        yield "constraint", [_invariant(*one, source) for one in rule.invariants]
    if rule.is_supported:
        yield "mustSupport", True
    if rule.bound:
        value_set = edition.canonical("ValueSet", rule.bound)
        yield "binding", {"strength": rule.strength, "valueSet": value_set}


def _invariant(key: str, human: str, expression: str, source: str) -> Element:
    return {
        "key": key,
        "severity": "error",
        "human": human,
        "expression": expression,
        "source": source,
    }
