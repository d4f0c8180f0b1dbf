"""``/api/openreferral/``: the listed communities for other directories, as an Open Referral UK feed (HSDS-UK 3.0)."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.utils.cache import patch_cache_control
from django.utils.timezone import localdate
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.throttling import Counted
from communities.directory import Search, search_directory
from communities.models import Community
from communities.selectors import conditions, listed_communities, listed_hosts
from integrations.directory import rendering

_Get = TypeVar("_Get", bound=Callable[..., Response])

FRESH = 300  # seconds for which an answer may be kept
MOST_PER_PAGE, LAST_PAGE = 100, 1_000_000
_TAG = ["Open Referral UK"]
_PAGE = OpenApiParameter("page", int, description="Counted from 1.")
_PER_PAGE = OpenApiParameter("per_page", int, description=f"At most {MOST_PER_PAGE}; else 50.")
_SEARCH = OpenApiParameter("search", str, description="Words in name, description or host.")


class ApiDetailsSchema(serializers.Serializer[None]):
    """What the feed is."""

    version = serializers.CharField()
    profile = serializers.URLField()
    openapi_url = serializers.URLField()


class OrganizationSchema(serializers.Serializer[None]):
    """A host."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()


class TermSchema(serializers.Serializer[None]):
    """A term of one of our taxonomies."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    taxonomy = serializers.CharField()
    taxonomy_id = serializers.UUIDField()
    term_uri = serializers.URLField()
    term = serializers.CharField()


class TaxonomySchema(serializers.Serializer[None]):
    """One of our taxonomies."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()


class CoreServiceSchema(serializers.Serializer[None]):
    """A community, in short."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(required=False)
    url = serializers.URLField(required=False)
    status = serializers.ChoiceField(["active", "inactive"])
    fees = serializers.CharField(required=False)
    minimum_age = serializers.IntegerField(required=False)
    maximum_age = serializers.IntegerField(required=False)
    assured_date = serializers.DateField(required=False)
    alert = serializers.CharField(required=False)
    last_modified = serializers.DateTimeField()
    organization_id = serializers.UUIDField(required=False)
    organization = OrganizationSchema(required=False)


class ServiceSchema(CoreServiceSchema):
    """A community. ``attributes`` are terms of our taxonomies; one of the taxonomy Statement has a ``value``."""

    schedules = serializers.ListField(child=serializers.DictField(), required=False)
    service_areas = serializers.ListField(child=serializers.DictField(), required=False)
    service_at_locations = serializers.ListField(child=serializers.DictField())
    languages = serializers.ListField(child=serializers.DictField(), required=False)
    cost_options = serializers.ListField(child=serializers.DictField(), required=False)
    attributes = serializers.ListField(child=serializers.DictField())


class ServiceAtLocationSchema(serializers.Serializer[None]):
    """A community online."""

    id = serializers.UUIDField()
    location = serializers.DictField()
    service = CoreServiceSchema()


def _paged(of: type[serializers.Serializer[None]]) -> Any:
    fields: dict[str, Any] = {
        name: serializers.IntegerField()
        for name in ("total_items", "total_pages", "page_number", "size")
    }
    fields |= {name: serializers.BooleanField() for name in ("first_page", "last_page", "empty")}
    name = of.__name__.removesuffix("Schema")
    return inline_serializer(f"{name}Page", {**fields, "contents": of(many=True)})


def _described(name: str, schema: Any, *parameters: OpenApiParameter) -> Callable[[_Get], _Get]:
    responses = {200: schema, 400: OpenApiTypes.OBJECT, 404: OpenApiTypes.OBJECT}
    if not parameters:
        del responses[400]
    described: Callable[[_Get], _Get] = extend_schema(
        operation_id=f"openreferral_{name}",
        tags=_TAG,
        parameters=list(parameters),
        responses=responses,
    )
    return described


class PublicFeed(Counted):
    """Anybody may read it, and keep it for a few minutes."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Say for how long a good answer may be kept."""
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        if final.status_code == 200:
            patch_cache_control(final, public=True, max_age=FRESH)
        return final


class ApiDetails(PublicFeed):
    """The root of the feed."""

    @_described("root", ApiDetailsSchema)
    def get(self, request: Request) -> Response:
        """Its version and profile."""
        del request
        return Response(rendering.api_details(settings.PUBLIC_BASE_URL))


class Services(PublicFeed):
    """The listed communities, by name, each in full."""

    @_described("services", _paged(ServiceSchema), _PAGE, _PER_PAGE, _SEARCH)
    def get(self, request: Request) -> Response:
        """A page of them."""
        rows = _searched(request)
        return _page(request, [_service(row) for row in _cut(request, rows)], rows.count())


class Service(PublicFeed):
    """One listed community."""

    @_described("service", ServiceSchema)
    def get(self, request: Request, resource_id: UUID) -> Response:
        """It, in full."""
        del request
        return Response(_service(_only(listed_communities(localdate()).filter(pk=resource_id))))


class ServicesAtLocations(PublicFeed):
    """The listed communities at the one place where all of them are: online."""

    @_described("service_at_locations", _paged(ServiceAtLocationSchema), _PAGE, _PER_PAGE, _SEARCH)
    def get(self, request: Request) -> Response:
        """A page of them."""
        rows = _searched(request)
        shown = [
            rendering.service_at_location(row, is_demonstration=settings.DEMO)
            for row in _cut(request, rows)
        ]
        return _page(request, shown, rows.count())


class Organizations(PublicFeed):
    """The hosts of listed communities."""

    @_described("organizations", _paged(OrganizationSchema), _PAGE, _PER_PAGE)
    def get(self, request: Request) -> Response:
        """A page of them, by name."""
        rows = listed_hosts(localdate()).order_by("name", "pk")
        shown = [rendering.organization(row) for row in _cut(request, rows)]
        return _page(request, shown, rows.count())


class Organization(PublicFeed):
    """One host."""

    @_described("organization", OrganizationSchema)
    def get(self, request: Request, resource_id: UUID) -> Response:
        """It."""
        del request
        found = _only(listed_hosts(localdate()).filter(pk=resource_id))
        return Response(rendering.organization(found))


class Taxonomies(PublicFeed):
    """Our taxonomies."""

    @_described("taxonomies", _paged(TaxonomySchema), _PAGE, _PER_PAGE)
    def get(self, request: Request) -> Response:
        """A page of them, by name."""
        found = rendering.all_taxonomies()
        return _page(request, _cut(request, found), len(found))


class Taxonomy(PublicFeed):
    """One taxonomy."""

    @_described("taxonomy", TaxonomySchema)
    def get(self, request: Request, resource_id: UUID) -> Response:
        """It."""
        del request
        return Response(_of_id(rendering.all_taxonomies(), resource_id))


class TaxonomyTerms(PublicFeed):
    """The terms of our taxonomies."""

    @_described("taxonomy_terms", _paged(TermSchema), _PAGE, _PER_PAGE)
    def get(self, request: Request) -> Response:
        """A page of them, by taxonomy."""
        found = _terms()
        return _page(request, _cut(request, found), len(found))


class TaxonomyTerm(PublicFeed):
    """One term."""

    @_described("taxonomy_term", TermSchema)
    def get(self, request: Request, resource_id: UUID) -> Response:
        """It."""
        del request
        return Response(_of_id(_terms(), resource_id))


def _service(row: Community) -> dict[str, Any]:
    return rendering.service(row, base_url=settings.PUBLIC_BASE_URL, is_demonstration=settings.DEMO)


def _terms() -> list[dict[str, Any]]:
    return rendering.all_terms(conditions(), base_url=settings.PUBLIC_BASE_URL)


def _searched(request: Request) -> Any:
    """The communities that a list is asked for."""
    text = request.query_params.get("search", "")
    return search_directory(Search(text=text), day=localdate()).prefetch_related("practices")


def _only(rows: Any) -> Any:
    found = rows.first()
    if found is None:
        raise Http404
    return found


def _of_id(rendered: Sequence[dict[str, Any]], asked: UUID) -> dict[str, Any]:
    for each in rendered:
        if each["id"] == str(asked):
            return each
    raise Http404


def _cut(request: Request, rows: Any) -> Any:
    """The rows of the page that is asked for."""
    number, per_page = _numbers(request)
    return rows[(number - 1) * per_page : number * per_page]


def _page(request: Request, contents: Any, total: int) -> Response:
    number, per_page = _numbers(request)
    return Response(rendering.page(contents, number=number, per_page=per_page, total=total))


def _numbers(request: Request) -> tuple[int, int]:
    """The number and size of the page that is asked for."""
    number = _number(request, "page", default=1, most=LAST_PAGE)
    return number, _number(request, "per_page", default=50, most=MOST_PER_PAGE)


def _number(request: Request, name: str, *, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not 1 <= int(text) <= most:
        raise ParseError(f"{name} is a whole number from 1 to {most}.")
    return int(text)
