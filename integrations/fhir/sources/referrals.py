"""ServiceRequest and Task: two faces of a referral, both of the steps that its practice was told of and no others."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from accounts.actors import Actor
from audit.models import Action
from integrations.fhir import service_request, task, terms
from integrations.fhir.searching.reads import (
    EVERYTHING,
    NOTHING,
    Always,
    Cases,
    Codes,
    Identifiers,
    Ids,
    Never,
    Reads,
    References,
    Times,
)
from integrations.fhir.searching.source import Row, Source
from integrations.fhir.searching.terms import ReferenceTerms, TimeTerms, TokenTerms
from integrations.fhir.sources import patients
from integrations.fhir.systems import (
    NHS_NUMBER,
    ODS_ORGANIZATION_CODE,
    REQUEST_INTENT,
    REQUEST_STATUS,
    TASK_CODE,
    TASK_INTENT,
    TASK_STATUS,
)
from referrals import selectors


def _by_identifier(prefix: str) -> Identifiers:
    """Referrals that bear an identifier of their sender's, or the reference that we gave them."""

    def find(system: str | None, value: str) -> Q:
        if system == NHS_NUMBER:
            return NOTHING  # no referral bears its patient's
        given = Q(**{f"{prefix}pk__in": selectors.bearing(system, value)})
        ours = Q(**{f"{prefix}reference": value}) if value else EVERYTHING
        return given | ours if system is None or system.endswith("/fhir/Id/referral") else given

    return Identifiers(find=find)


def _by_ods_code(column: str) -> Identifiers:
    def find(system: str | None, value: str) -> Q:
        if system not in (None, ODS_ORGANIZATION_CODE):
            return NOTHING
        return Q(**{column: value.upper()}) if value else Q(**{f"{column}__isnull": False})

    return Identifiers(find=find)


_PATIENT = References(
    column="referral__patient_id",
    target="Patient",
    through=patients.reads("referral__patient__"),
    identifier=patients.by_nhs_number("referral__patient__nhs_number_hash"),
)
_PRACTICE = References(
    column="referral__practice_id",
    target="Organization",
    identifier=_by_ods_code("referral__practice__ods_code"),
    through={"identifier": _by_ods_code("referral__practice__ods_code")},
)
# Named by a display alone.
_THIS_SERVICE = Never(type="reference", absent=NOTHING)


def _described(resource: str, name: str, term: Q) -> Q:
    return Q(referral_id__in=selectors.described_by(resource, name, term))


def _identified(resource: str, name: str, term: Q) -> Q:
    """What points to something with an identifier, in the reference itself or in what is contained."""
    places = (terms.IDENTIFIER, terms.OF_CONTAINED)
    written, contained = (_described(resource, f"{name}{place}", term) for place in places)
    return written | contained


def _codes(resource: str, name: str) -> TokenTerms:
    return TokenTerms(bearing=partial(_described, resource, name))


def _references(resource: str, name: str) -> ReferenceTerms:
    return ReferenceTerms(
        bearing=partial(_described, resource, name),
        identifiers=_codes(resource, f"{name}{terms.IDENTIFIER}"),
        targets=partial(terms.targets, resource, name),
        through={"identifier": TokenTerms(bearing=partial(_identified, resource, name))},
    )


def _times(resource: str, name: str) -> TimeTerms:
    return TimeTerms(bearing=partial(_described, resource, name))


def _authored(resource: str, name: str) -> dict[str, Combinable]:
    """When the sender wrote it, for sorting; when it was received where that is not said."""
    written = selectors.moments_of(OuterRef("referral_id"), resource, name)[:1]
    return {name: Coalesce(Subquery(written), "referral__received_at")}


_BY_TYPE: dict[str, Callable[[str, str], Reads]] = {
    "token": _codes,
    "reference": _references,
    "date": _times,
}


def _written(resource: str) -> dict[str, Reads]:
    """What is searched in the document that the sender wrote."""
    parameters = terms.PARAMETERS[resource].items()
    return {name: _BY_TYPE[parameter.type](resource, name) for name, parameter in parameters}


def _request_reads() -> dict[str, Reads]:
    return {
        **_written("ServiceRequest"),
        "status": Codes(column="status", systems=(REQUEST_STATUS,)),
        "intent": Codes(column="referral__intent", systems=(REQUEST_INTENT,)),
        "identifier": _by_identifier("referral__"),
        "patient": _PATIENT,
        "subject": _PATIENT,
    }


def _request(row: Row, base_url: str) -> dict[str, Any]:
    return service_request.render(row.referral, row, base_url=base_url)


def _trace(row: Row) -> tuple[Action, str]:
    return Action.REFERRAL_READ, f"ServiceRequest/{row.referral_id}"


SERVICE_REQUEST = Source(
    resource_type="ServiceRequest",
    rows=selectors.newest_told,
    key_column="referral_id",
    moment_column="referral__told_at",
    version="version",
    show=_request,
    reads=_request_reads(),
    trace=_trace,
    sorts=_authored("ServiceRequest", "authored"),
)
SERVICE_REQUEST_VERSIONS = Source(
    resource_type="ServiceRequest",
    rows=selectors.told_changes,
    key_column="pk",
    key=int,
    moment_column="at",
    version="version",
    show=_request,
    name=lambda row: str(row.referral_id),
    ids=Ids(column="referral_id"),
    trace=_trace,
)


def _task_reads() -> dict[str, Reads]:
    """What is searched by whoever wrote the Task."""
    return {
        "status": Codes(column="task_status", systems=(TASK_STATUS,)),
        "business-status": Codes(
            column="business_status", systems=("/CodeSystem/business-status",)
        ),
        "intent": Always(tokens=((TASK_INTENT, "order"),)),
        "focus": References(
            column="referral_id", target="ServiceRequest", through=_request_reads()
        ),
        "patient": _PATIENT,
        "subject": _PATIENT,
        "modified": Times(column="referral__told_at"),
    }


def _task(row: Row, base_url: str) -> dict[str, Any]:
    return task.render(row.referral, row, base_url=base_url)


def _tasks(
    *, is_written: bool, reads: dict[str, Reads], sorts: dict[str, Combinable] | None = None
) -> Source:
    return Source(
        resource_type="Task",
        rows=lambda actor: selectors.newest_told(actor).filter(
            task_document__isnull=not is_written
        ),
        key_column="referral_id",
        moment_column="referral__told_at",
        version="version",
        show=_task,
        reads=_task_reads() | reads,
        trace=_trace,
        sorts=sorts or {},
    )


# What it says follows from the referral where the sender wrote none.
TASK = _tasks(
    is_written=False,
    reads={
        "code": Always(tokens=((TASK_CODE, "fulfill"),)),
        "requester": _PRACTICE,
        "owner": _THIS_SERVICE,
        "authored-on": Times(column="referral__received_at"),
    },
)
WRITTEN_TASK = _tasks(
    is_written=True, reads=_written("Task"), sorts=_authored("Task", "authored-on")
)
TASK_VERSIONS = Source(
    resource_type="Task",
    rows=selectors.told_changes,
    key_column="pk",
    key=int,
    moment_column="at",
    version="version",
    show=_task,
    name=lambda row: str(row.referral_id),
    ids=Ids(column="referral_id"),
    trace=_trace,
)


def _practice_task_reads(*, moment: str) -> dict[str, Reads]:
    return {
        "status": Cases(
            cases={
                "requested": Q(done_at__isnull=True),
                "completed": Q(done_at__isnull=False),
            },
            systems=(TASK_STATUS,),
        ),
        "intent": Always(tokens=((TASK_INTENT, "order"),)),
        "code": Codes(column="kind", systems=("/CodeSystem/practice-task",)),
        "focus": References(column="referral_id", target="ServiceRequest"),
        "patient": _PATIENT,
        "subject": _PATIENT,
        "requester": _THIS_SERVICE,
        "owner": _PRACTICE,
        "authored-on": Times(column="raised_at"),
        "modified": Times(column=moment),
    }


def _asked(version: int | None) -> Any:
    def show(row: Row, base_url: str) -> dict[str, Any]:
        shown = version or row.version
        return task.render_for_practice(
            row,
            row.referral,
            version=shown,
            at=row.raised_at if shown == 1 else row.done_at,
            base_url=base_url,
        )

    return show


def _asked_rows(actor: Actor) -> QuerySet[Any]:
    return selectors.practice_tasks(actor).annotate(moved_at=Coalesce("done_at", "raised_at"))


PRACTICE_TASK = Source(
    resource_type="Task",
    rows=_asked_rows,
    key_column="pk",
    moment_column="moved_at",
    version="version",
    show=_asked(None),
    reads=_practice_task_reads(moment="moved_at"),
    trace=_trace,
)
# A task for the practice has at most two versions, both in its row: as raised, and as done.
PRACTICE_TASK_VERSIONS = (
    Source(
        resource_type="Task",
        rows=selectors.practice_tasks,
        key_column="pk",
        moment_column="raised_at",
        version=1,
        show=_asked(1),
        trace=_trace,
    ),
    Source(
        resource_type="Task",
        rows=lambda actor: selectors.practice_tasks(actor).filter(done_at__isnull=False),
        key_column="pk",
        moment_column="done_at",
        version=2,
        show=_asked(2),
        trace=_trace,
    ),
)
