"""AuditEvent: what was done in the name of the asking system's organisation. Read, and search by what it was done to."""

import re

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import Interaction
from api.fhir.base import BASE_URL, FhirView, actor_of
from api.fhir.denials import record_empty_search
from api.fhir.schema import OUTCOME, READ_ERRORS, RESOURCE
from audit.selectors import done_in_the_name_of, newest_first
from integrations.fhir import audit_event
from integrations.fhir.search import searchset

MOST = 100
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_PARAMETERS = {"entity", "_count", "before"}
_HOW = (
    "AuditEvent is searched by entity=ServiceRequest/<id> or entity=Patient/<id>, each parameter once;"
    f" _count (1 to {MOST}) says how many on a page, and the link 'next' leads to the page after."
)


class AuditEventInstance(FhirView):
    """One entry of the audit."""

    resource_types = ("AuditEvent",)

    @extend_schema(
        operation_id="AuditEvent_read",
        tags=["FHIR"],
        responses={(200, "application/fhir+json"): RESOURCE, **READ_ERRORS},
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """Read one thing that was done in your organisation's name."""
        if not _NUMBER.fullmatch(resource_id):
            raise Http404
        entry = done_in_the_name_of(actor_of(request)).filter(pk=int(resource_id)).first()
        if entry is None:
            raise Http404
        return Response(audit_event.render(entry, base_url=BASE_URL))


class AuditEventCollection(FhirView):
    """Where entries of the audit are found."""

    resource_types = ("AuditEvent",)
    interaction = Interaction.SEARCH

    @extend_schema(
        operation_id="AuditEvent_search",
        tags=["FHIR"],
        parameters=[
            OpenApiParameter("entity", required=True, description="ServiceRequest/<id>"),
            OpenApiParameter("_count", int, description=f"how many on a page: 1 to {MOST}"),
            OpenApiParameter("before", int, description="as the link 'next' has it"),
        ],
        responses={(200, "application/fhir+json"): RESOURCE, 400: OUTCOME, **READ_ERRORS},
    )
    def get(self, request: Request) -> Response:
        """Find what was done to a referral or patient in your organisation's name, the newest first."""
        query = _query(request)
        target = audit_event.target_of(query.get("entity", ""), base_url=BASE_URL)
        if target is None:
            raise ParseError(_HOW)
        most = min(_number(query.get("_count", str(MOST))), MOST)
        before = _number(query["before"]) if "before" in query else None
        entries = done_in_the_name_of(actor_of(request)).filter(target=target)
        page = newest_first(entries, before=before, most=most + 1)
        shown, is_last = page[:most], len(page) <= most
        total = entries.count()
        if not total:
            record_empty_search(request, target=target)
        return Response(
            searchset(
                [audit_event.render(entry, base_url=BASE_URL) for entry in shown],
                base_url=BASE_URL,
                query=query,
                resource_type="AuditEvent",
                total=total,
                following=None if is_last else query | {"before": str(shown[-1].pk)},
            )
        )


def _query(request: Request) -> dict[str, str]:
    """The parameters that were sent, if each is known and sent once."""
    sent = dict(request.query_params.lists())
    if set(sent) - _PARAMETERS or any(len(values) > 1 for values in sent.values()):
        raise ParseError(_HOW)
    return {name: str(values[0]) for name, values in sent.items()}


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ParseError(_HOW)
    return int(text)
