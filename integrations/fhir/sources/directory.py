"""HealthcareService, Location and Organization: the directory, which is the same for everybody who may ask."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q

from communities import selectors
from communities.models.tier_column import is_of_tier
from communities.tiers import Tier
from integrations.fhir import healthcare_service, location, organization
from integrations.fhir.searching.reads import (
    EVERYTHING,
    NOTHING,
    Always,
    Cases,
    Codes,
    Identifiers,
    ManyReferences,
    Never,
    Reads,
    References,
    Texts,
    Tokens,
)
from integrations.fhir.searching.source import Row, Source
from integrations.fhir.systems import ODS_ORGANIZATION_CODE, SNOMED

Clock = Callable[[], date]


@dataclass(frozen=True, kw_only=True)
class Unversioned(Source):
    """Rows of which only the newest state is kept: two states are told apart by the moment of the change."""

    def version_of(self, row: Row) -> int:
        """The moment of the last change, in milliseconds."""
        return int(self.moment_of(row).timestamp() * 1000)


def healthcare_services(*, day: Clock, is_demonstration: Callable[[], bool]) -> Source:
    """The communities that may be offered on the day; the others are as good as absent."""

    def show(row: Row, base_url: str) -> dict[str, Any]:
        return healthcare_service.render(
            row, base_url=base_url, is_demonstration=is_demonstration()
        )

    return Unversioned(
        resource_type="HealthcareService",
        rows=lambda _actor: selectors.listed_communities(day()),
        key_column="pk",
        moment_column="updated_at",
        show=show,
        reads={
            "active": Always(tokens=(("http://hl7.org/fhir/special-values", "true"),)),
            "identifier": Identifiers(find=partial(_ours, "community", "key")),
            "name": Texts(columns=("name",)),
            "organization": References(
                column="provider_id",
                target="Organization",
                is_optional=True,
                through={"name": Texts(columns=("host__name",))},
            ),
            "coverage-area": _COVERAGE,
            "service-category": Always(tokens=(("/CodeSystem/referral-type", "peer-support"),)),
            "service-type": Tokens(
                find={"/CodeSystem/community-kind": _stated("kind")},
                absent=Q(kind=healthcare_service.UNKNOWN),
            ),
            "characteristic": _CHARACTERISTIC,
            "specialty": Never(type="token"),
            "program": Never(type="token"),
        },
    )


def locations(*, day: Clock) -> Source:
    """Every area that a community can be for."""

    def show(row: Row, base_url: str) -> dict[str, Any]:
        return location.render(row, base_url=base_url, day=day())

    return Unversioned(
        resource_type="Location",
        rows=lambda _actor: selectors.areas(),
        key_column="pk",
        moment_column="updated_at",
        show=show,
        reads={
            "identifier": Identifiers(find=partial(_area, "")),
            "name": Texts(columns=("name",)),
            "type": Cases(
                cases={kind: Q(place__startswith=f"{kind}:") for kind in location.KINDS},
                systems=("/CodeSystem/area-kind",),
            ),
        },
    )


def organizations(*, day: Clock) -> Source:
    """The hosts of those communities, and the asking practice with its ICB."""

    def show(row: Row, base_url: str) -> dict[str, Any]:
        return organization.render(row, base_url=base_url, day=day())

    return Unversioned(
        resource_type="Organization",
        rows=lambda actor: selectors.organisations_shown_to(actor, day()),
        key_column="pk",
        moment_column="updated_at",
        show=show,
        reads={
            "identifier": Identifiers(find=_ods_code, absent=Q(ods_code__isnull=True)),
            "name": Texts(columns=("name",)),
            "type": Codes(column="kind", systems=("/CodeSystem/organisation-kind",)),
            "partof": References(column="icb_id", target="Organization", is_optional=True),
        },
    )


def _ours(kind: str, column: str, system: str | None, value: str) -> Q:
    """Rows by an identifier of this service's own."""
    if not _is_own(system, kind):
        return NOTHING
    return Q(**{column: value}) if value else EVERYTHING


def _is_own(system: str | None, kind: str) -> bool:
    return system is None or system.endswith(f"/fhir/Id/{kind}")


def _area(prefix: str, system: str | None, value: str) -> Q:
    """Areas by their place as the directory writes it, or an ICB's by its ODS code."""
    found = _ours("area", f"{prefix}place", system, value)
    if system not in (None, ODS_ORGANIZATION_CODE):
        return found
    coded = f"icb:{value.upper()}"
    return found | Q(**{f"{prefix}place" if value else f"{prefix}place__startswith": coded})


def _serving(find: Callable[[str | None, str], Q], system: str | None, value: str) -> Q:
    return Q(pk__in=selectors.serving(find(system, value)))


def _ods_code(system: str | None, value: str) -> Q:
    if system not in (None, ODS_ORGANIZATION_CODE):
        return NOTHING
    return Q(ods_code=value.upper()) if value else Q(ods_code__isnull=False)


def _pointing(ids: Iterable[UUID]) -> Any:
    return selectors.serving(Q(area_id__in=ids))


def _for(condition: Q) -> Q:
    return Q(pk__in=selectors.for_condition(condition))


def _stated(column: str) -> Callable[[str], Q]:
    """What is not known is no characteristic."""
    return lambda code: NOTHING if code == healthcare_service.UNKNOWN else Q(**{column: code})


def _listed(column: str, codes: type[StrEnum], code: str) -> Q:
    """What is no code of the value set is stated by nobody."""
    return selectors.naming(column, code) if code in set(codes) else NOTHING


def _characteristics() -> Reads:
    return Tokens(
        find={
            "/CodeSystem/condition": lambda key: _for(Q(condition__key=key)),
            SNOMED: lambda code: _for(Q(condition__codes__snomed_code=code)),
            "/CodeSystem/moderation-tier": lambda tier: (
                is_of_tier(Tier(tier)) if tier in set(Tier) else NOTHING
            ),
            **{
                f"/CodeSystem/{system}": _stated(column)
                for column, (system, _) in healthcare_service.STATED.items()
            },
            **{
                f"/CodeSystem/{each.system}": partial(_listed, column, each.codes)
                for column, each in healthcare_service.LISTED.items()
            },
        }
    )


_CHARACTERISTIC = _characteristics()
_COVERAGE = ManyReferences(
    column="areas",
    target="Location",
    pointing=_pointing,
    through={"identifier": Identifiers(find=partial(_serving, partial(_area, "area__")))},
)
