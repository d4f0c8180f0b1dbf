"""The RESTful interactions of FHIR, one view for each kind of address; which type it is for is told with the route."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import Interaction
from api.fhir import answering, reading, writing
from api.fhir.base import FhirView, actor_of
from api.fhir.denials import record_empty_search
from api.fhir.kinds import Kind
from api.fhir.parameters import FORM, form_of, pairs_of
from api.fhir.schema import IF_MATCH, IF_NONE_EXIST, MARKS, READ_ERRORS, RESOURCE, WRITE_ERRORS
from api.fhir.served import KINDS, SOURCES

_READ: dict[Any, Any] = {(200, "application/fhir+json"): RESOURCE, **READ_ERRORS}
_WRITTEN: dict[Any, Any] = {
    (200, "application/fhir+json"): RESOURCE,
    (201, "application/fhir+json"): RESOURCE,
    **WRITE_ERRORS,
}


class KindView(FhirView):
    """An address of one type, which ``for_kind`` makes. ``offers`` says which interaction each method is."""

    resource_type = ""
    offers: ClassVar[dict[str, str]] = {}

    @classmethod
    def for_kind(cls, kind: Kind) -> "type[KindView] | None":
        """The view of this address for a type, with the methods that the type has; None if there are none."""
        methods = [name for name, code in cls.offers.items() if code in kind.interactions]
        if not methods:
            return None
        also = ["head", "options"] if "get" in methods else ["options"]
        facts = {
            "__doc__": cls.__doc__,
            "resource_type": kind.resource_type,
            "resource_types": (kind.resource_type,),
            "http_method_names": [*methods, *also],
            "example": kind.example,
        }
        return type(f"{kind.resource_type}{cls.__name__}", (cls,), facts)

    @property
    def kind(self) -> Kind:
        """The type that this address is for."""
        return KINDS[self.resource_type]

    def is_strict(self, request: Request) -> bool:
        """Whether what is not understood is to bar a search: unless the asker prefers otherwise.

        A filter that is left out shows more patients than were asked for.
        """
        return answering.preference(request, "handling") != "lenient"


class Collection(KindView):
    """All of a type."""

    offers = {"get": "search-type", "post": "create"}

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """A GET is a search, for which scopes have a letter of its own."""
        self.interaction = Interaction.SEARCH if request.method in ("GET", "HEAD") else None
        super().initial(request, *args, **kwargs)

    @extend_schema(tags=["FHIR"], responses=_READ)
    def get(self, request: Request) -> Response:
        """Search. The CapabilityStatement lists the parameters; ``Prefer: handling=lenient`` leaves out unknown ones."""
        return searched(self, request, pairs_of(request))

    @extend_schema(
        tags=["FHIR"],
        parameters=[*MARKS, IF_NONE_EXIST],
        request={"application/fhir+json": RESOURCE},
        responses=_WRITTEN,
    )
    def post(self, request: Request) -> Response:
        """Create."""
        if self.kind.create is None:
            raise MethodNotAllowed("POST")
        return writing.create(request, self.kind, self.kind.create)


class Search(KindView):
    """``_search``: a search whose parameters stand in the body, where no log keeps them."""

    offers = {"post": "search-type"}
    interaction = Interaction.SEARCH

    @extend_schema(tags=["FHIR"], request={FORM: RESOURCE}, responses=_READ)
    def post(self, request: Request) -> Response:
        """Search."""
        return searched(self, request, form_of(request))


class Instance(KindView):
    """One resource."""

    offers = {"get": "read", "put": "update", "patch": "patch", "delete": "delete"}

    @extend_schema(tags=["FHIR"], responses=_READ)
    def get(self, request: Request, resource_id: str) -> Response:
        """Read the newest version."""
        by, at = actor_of(request), timezone.now()
        return answering.read(request, reading.read(self.kind, resource_id, by=by, at=at))

    @extend_schema(
        tags=["FHIR"],
        parameters=[*MARKS, IF_MATCH],
        request={"application/fhir+json": RESOURCE},
        responses=_WRITTEN,
    )
    def put(self, request: Request, resource_id: str) -> Response:
        """Update."""
        if self.kind.update is None:
            raise MethodNotAllowed("PUT")
        return writing.update(request, self.kind, self.kind.update, resource_id)

    @extend_schema(
        tags=["FHIR"],
        parameters=[*MARKS, IF_MATCH],
        request={"application/json-patch+json": RESOURCE},
        responses=_WRITTEN,
    )
    def patch(self, request: Request, resource_id: str) -> Response:
        """Change parts, by JSON Patch."""
        if self.kind.update is None:
            raise MethodNotAllowed("PATCH")
        return writing.patch(request, self.kind, self.kind.update, resource_id)

    @extend_schema(tags=["FHIR"], responses={204: None, **WRITE_ERRORS})
    def delete(self, request: Request, resource_id: str) -> Response:
        """Delete."""
        if self.kind.delete is None:
            raise MethodNotAllowed("DELETE")
        return writing.delete(request, self.kind.delete, resource_id)


class Version(KindView):
    """One resource at a version."""

    offers = {"get": "vread"}

    @extend_schema(tags=["FHIR"], responses=_READ)
    def get(self, request: Request, resource_id: str, version: int) -> Response:
        """Read a version."""
        by, at = actor_of(request), timezone.now()
        shown = reading.vread(self.kind, resource_id, version, by=by, at=at)
        return answering.read(request, shown)


class InstanceHistory(KindView):
    """Every version of one resource."""

    offers = {"get": "history-instance"}

    @extend_schema(tags=["FHIR"], responses=_READ)
    def get(self, request: Request, resource_id: str) -> Response:
        """Read the history, the newest version first; ``_count`` and ``_since`` narrow it."""
        return Response(_history(self, request, resource_id=resource_id))


class TypeHistory(KindView):
    """Every version of all of a type."""

    offers = {"get": "history-type"}
    interaction = Interaction.SEARCH

    @extend_schema(tags=["FHIR"], responses=_READ)
    def get(self, request: Request) -> Response:
        """Read the history, the newest version first; ``_count`` and ``_since`` narrow it."""
        return Response(_history(self, request))


class Compartment(KindView):
    """What belongs to one patient, of one type: a search of the type by its patient."""

    offers = {"get": "search-type"}
    interaction = Interaction.SEARCH

    @extend_schema(tags=["FHIR"], responses=_READ)
    def get(self, request: Request, patient_id: str) -> Response:
        """Search among what belongs to a patient."""
        whose = ("patient", f"Patient/{patient_id}")
        return searched(self, request, [whose, *pairs_of(request)])


def searched(view: KindView, request: Request, pairs: reading.Pairs) -> Response:
    """The answer to a search. One for a single resource that shows nothing leaves a trace in the audit."""
    bundle, page = reading.search(
        view.kind,
        pairs,
        every=SOURCES,
        is_strict=view.is_strict(request),
        by=actor_of(request),
        at=timezone.now(),
    )
    if not page.found and not page.total:
        record_empty_search(request, view.resource_type, pairs)
    return Response(bundle)


def _history(view: KindView, request: Request, *, resource_id: str = "") -> dict[str, object]:
    return reading.history(
        view.kind,
        pairs_of(request),
        resource_id=resource_id,
        is_strict=view.is_strict(request),
        by=actor_of(request),
        at=timezone.now(),
    )
