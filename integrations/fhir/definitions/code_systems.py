"""The code systems of this service, from the tables that decide which codes there are."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from communities import value_sets
from communities.matching.need import MEANINGS
from communities.matching.ranking import VERSION
from communities.matching.sentences import REASON_CODES
from communities.selectors import conditions
from communities.tiers import Cover, ModeratedBy, ModerationModel, SearchVisibility, Tier
from integrations.fhir import location, organization
from integrations.fhir.definitions.edition import Definition, Edition
from integrations.fhir.healthcare_service import UNKNOWN
from integrations.fhir.task import BUSINESS_STATUSES, PRACTICE_TASKS

Codes = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class System:
    """A code system: its key, what it is about, and its codes with how each is called."""

    key: str
    title: str
    text: str
    codes: Callable[[], Codes]


def _words(*codes: str) -> Callable[[], Codes]:
    """Codes that are called as they are written; that something is not known is no code."""
    return lambda: {code: code.replace("_", " ").capitalize() for code in codes if code != UNKNOWN}


def _members(table: Iterable[StrEnum]) -> Callable[[], Codes]:
    return _words(*(member.value for member in table))


def _conditions() -> Codes:
    return {condition.key: condition.label for condition in conditions()}


SYSTEMS = (
    System(
        key="referral-type",
        title="Type of referral",
        text="What a ServiceRequest asks of this service. There is no national code for it.",
        codes=lambda: {"peer-support": "Peer support"},
    ),
    System(
        key="business-status",
        title="Business status of a referral",
        text="Where a referral stands, as far as its practice is told.",
        codes=lambda: BUSINESS_STATUSES,
    ),
    System(
        key="practice-task",
        title="Task for a practice",
        text="What this service asks a practice to do.",
        codes=lambda: PRACTICE_TASKS,
    ),
    System(
        key="condition",
        title="Condition",
        text="The conditions that communities are found by. Referrals name them by SNOMED CT.",
        codes=_conditions,
    ),
    System(
        key="moderation-tier",
        title="Moderation tier",
        text="How well a community is moderated, worked out from what it states. A, B and C may be offered.",
        codes=_members(Tier),
    ),
    System(
        key="moderated-by",
        title="Moderated by",
        text="Who moderates a community.",
        codes=_members(ModeratedBy),
    ),
    System(
        key="moderation-model",
        title="Moderation model",
        text="Whether posts are looked at before they appear, after, or when they are reported.",
        codes=_members(ModerationModel),
    ),
    System(
        key="moderator-cover",
        title="Moderator cover",
        text="When moderators are there.",
        codes=_members(Cover),
    ),
    System(
        key="search-visibility",
        title="Search visibility",
        text="Who can read what members write.",
        codes=_members(SearchVisibility),
    ),
    System(
        key="anonymity",
        title="Anonymity",
        text="Under which name members write.",
        codes=_members(value_sets.Anonymity),
    ),
    System(
        key="audience",
        title="Audience",
        text="For whom a community is.",
        codes=_members(value_sets.Audience),
    ),
    System(
        key="readiness",
        title="Stage of change",
        text="For people at which stage of change a community is: the stages of the transtheoretical model.",
        codes=_members(value_sets.Readiness),
    ),
    System(
        key="accessibility",
        title="Accessibility",
        text="Which needs a community meets. These codes are not those of DAPB1605.",
        codes=_members(value_sets.Accessibility),
    ),
    System(
        key="staffed-by",
        title="Staffed by",
        text="Whether members meet people, software or both.",
        codes=_members(value_sets.StaffedBy),
    ),
    System(
        key="data-need",
        title="Mobile data needed",
        text="How much mobile data taking part uses.",
        codes=_members(value_sets.DataNeed),
    ),
    System(
        key="community-access",
        title="Access to a community",
        text="How somebody becomes a member.",
        codes=_members(value_sets.Access),
    ),
    System(
        key="community-format",
        title="Format of a community",
        text="How its members meet.",
        codes=_members(value_sets.Format),
    ),
    System(
        key="community-kind",
        title="Kind of community",
        text="What a community is.",
        codes=_members(value_sets.Kind),
    ),
    System(
        key="listing-state",
        title="State of a listing",
        text="Whether a community can be joined online from the United Kingdom.",
        codes=_members(value_sets.State),
    ),
    System(
        key="eligibility",
        title="Eligibility",
        text="What decides who may join a community.",
        codes=lambda: {"age": "Age"},
    ),
    System(
        key="area-kind",
        title="Kind of area",
        text="What an area is that communities serve.",
        codes=lambda: location.KINDS,
    ),
    System(
        key="organisation-kind",
        title="Kind of organisation",
        text="What an organisation does here.",
        codes=lambda: {kind.value: name for kind, name in organization.KINDS.items()},
    ),
    System(
        key="peer-support-need",
        title="Need of a patient",
        text="What a referral may say of the patient beside condition, age, sex, language and place. The codes for"
        " accessible information are this service's own and have not been compared with national ones.",
        codes=lambda: {code.value: meaning for code, meaning in MEANINGS.items()},
    ),
    System(
        key="match-reason",
        title="Reason of a match",
        text="Why a community suits a need, what to know of it beforehand, or why it does not.",
        codes=_words(*REASON_CODES),
    ),
    System(
        key="matcher-version",
        title="Version of the matcher",
        text="By which rules communities were ranked.",
        codes=lambda: {VERSION: f"Rules of {VERSION}"},
    ),
)


def code_systems(edition: Edition) -> list[Definition]:
    """Each with all its codes, and the value set of the same key that holds all of them."""
    return [_written(system, edition) for system in SYSTEMS]


def _written(system: System, edition: Edition) -> Definition:
    concepts = [{"code": code, "display": display} for code, display in system.codes().items()]
    return edition.begin("CodeSystem", system.key, system.title, system.text) | {
        "caseSensitive": True,
        "valueSet": edition.canonical("ValueSet", system.key),
        "content": "complete",
        "count": len(concepts),
        "concept": concepts,
    }
