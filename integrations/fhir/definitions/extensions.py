"""The extensions of this service, as StructureDefinitions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.fhir import healthcare_service
from integrations.fhir.definitions.edition import Definition, Edition

Element = dict[str, Any]
_BASE = "http://hl7.org/fhir/StructureDefinition/Extension"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of an extension: the type of its value, and whether it must be there."""

    type: str
    is_required: bool = True


@dataclass(frozen=True, kw_only=True)
class Extension:
    """An extension of the element ``on``: with a value of one type, or with parts by their names."""

    key: str
    title: str
    text: str
    on: str
    type: str = ""
    parts: Mapping[str, Part] = field(default_factory=dict)


def _optional(columns: Mapping[str, tuple[str, str]]) -> dict[str, Part]:
    return {name: Part(type=kind, is_required=False) for name, kind in columns.values()}


_REASON = {
    "code": Part(type="code"),
    "fact": Part(type="string", is_required=False),
    "text": Part(type="string"),
}
EXTENSIONS = (
    Extension(
        key="listing-review",
        title="Review of a listing",
        text="When somebody checked what is stated of a community, who did, and when it is due again.",
        on="HealthcareService",
        parts={
            "reviewedOn": Part(type="date"),
            "reviewDue": Part(type="date"),
            "reviewedBy": Part(type="string"),
        },
    ),
    Extension(
        key="moderator-hours",
        title="Hours of moderators",
        text="When moderators are there, as published. A community may be open at other times, too.",
        on="HealthcareService",
        type="string",
    ),
    Extension(
        key="moderator-span",
        title="Span of moderators' hours",
        text="One span of the week in which a moderator is there, by the clock of the time zone (IANA). A span that ends"
        " at or before it begins ends on the next day.",
        on="HealthcareService",
        parts={
            "dayOfWeek": Part(type="code"),
            "from": Part(type="time"),
            "to": Part(type="time"),
            "timeZone": Part(type="code"),
        },
    ),
    Extension(
        key="moderation-evidence",
        title="Evidence of moderation",
        text="What a community states of its moderation beside who, how and when: the median and 90th percentile of"
        " minutes to the first answer, training, supervision, policies, and when it was assessed under the Online"
        " Safety Act.",
        on="HealthcareService",
        parts=_optional(healthcare_service.EVIDENCE),
    ),
    Extension(
        key="taking-part",
        title="Taking part",
        text="Whether somebody can look around before joining, whether members also meet in person, and which device"
        " is needed.",
        on="HealthcareService",
        parts=_optional(healthcare_service.TAKING_PART),
    ),
    Extension(
        key="data-protection",
        title="Data protection",
        text="Who is the controller of members' data, and in which country (ISO 3166-1, two letters) it is kept.",
        on="HealthcareService",
        parts=_optional(healthcare_service.DATA),
    ),
    Extension(
        key="serves-circle",
        title="Circle that is served",
        text="Whoever lives within so many kilometres of a point (WGS 84) may join.",
        on="HealthcareService",
        parts=_optional(healthcare_service.CIRCLE),
    ),
    Extension(
        key="research-evidence",
        title="Evidence of benefit",
        text="The publication that a community rests on, and its date; or that none has been supplied.",
        on="HealthcareService",
        parts=_optional(healthcare_service.RESEARCH),
    ),
    Extension(
        key="capacity",
        title="Capacity",
        text="Whether the community had room when it last said so or a place was last given: a code of SDOHCC Capacity"
        " Status. After freshUntil that is not known any more.",
        on="HealthcareService",
        parts={
            "status": Part(type="Coding"),
            "statedOn": Part(type="date"),
            "freshUntil": Part(type="date"),
        },
    ),
    Extension(
        key="eligible-age",
        title="Eligible age",
        text="From which age to which somebody may join, both included.",
        on="HealthcareService.eligibility",
        type="Range",
    ),
    Extension(
        key="peer-support-need",
        title="Need of a patient",
        text="Something that matters to the choice of a community: a code of the code system peer-support-need. It may come"
        " several times; a patient is at one stage of change.",
        on="ServiceRequest",
        type="Coding",
    ),
    Extension(
        key="acute-risk",
        title="Acute risk",
        text="Whether the referrer sees an acute risk to the patient's life or safety now. With true a referral is refused;"
        " with false one that speaks of a risk can be taken.",
        on="ServiceRequest",
        type="boolean",
    ),
    Extension(
        key="match-reason",
        title="Reason of a match",
        text="Why a community suits a need: a code of the code system match-reason, a fact where one goes with it, and"
        " a sentence for people.",
        on="Bundle.entry.search",
        parts=_REASON,
    ),
    Extension(
        key="match-worth-knowing",
        title="Worth knowing of a match",
        text="What to know of a community before it is chosen, written as a reason is.",
        on="Bundle.entry.search",
        parts=_REASON,
    ),
    Extension(
        key="match-refusal",
        title="Refusal of a match",
        text="Why a community is not offered for a need, written as a reason is.",
        on="Bundle.entry.search",
        parts=_REASON,
    ),
)


def extensions(edition: Edition) -> list[Definition]:
    """Each as what it adds to R4's Extension."""
    return [_written(one, edition) for one in EXTENSIONS]


def _written(one: Extension, edition: Edition) -> Definition:
    begun = edition.begin("StructureDefinition", one.key, one.title, one.text)
    elements = _of_parts(one.parts) if one.parts else _of_value(one.type)
    url = {"id": "Extension.url", "path": "Extension.url", "fixedUri": begun["url"]}
    root = {"id": "Extension", "path": "Extension", "short": one.title, "definition": one.text}
    return begun | {
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": one.on}],
        "type": "Extension",
        "baseDefinition": _BASE,
        "derivation": "constraint",
        "differential": {"element": [root, *elements[:-1], url, elements[-1]]},
    }


def _of_value(type_name: str) -> list[Element]:
    value = _element("Extension.value[x]") | {"min": 1, "type": [{"code": type_name}]}
    return [_element("Extension.extension") | {"max": "0"}, value]


def _of_parts(parts: Mapping[str, Part]) -> list[Element]:
    inside = [element for name, part in parts.items() for element in _part(name, part)]
    return [*inside, _element("Extension.value[x]") | {"max": "0"}]


def _part(name: str, part: Part) -> Iterator[Element]:
    at = f"Extension.extension:{name}"
    least = 1 if part.is_required else 0
    yield {
        "id": at,
        "path": "Extension.extension",
        "sliceName": name,
        "min": least,
        "max": "1",
    }
    yield {"id": f"{at}.url", "path": "Extension.extension.url", "fixedUri": name}
    yield {
        "id": f"{at}.value[x]",
        "path": "Extension.extension.value[x]",
        "min": 1,
        "type": [{"code": part.type}],
    }


def _element(path: str) -> Element:
    return {"id": path, "path": path}
