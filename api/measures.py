"""``GET /api/measures/funnel``: the commissioner's figures for machines, as JSON and as CSV."""

from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actors import commissioner_actor, icbs_of
from accounts.models import User
from api.authentication import SignedIn
from api.permissions import IsSignedIn
from engagement.faces import as_csv, as_values
from engagement.measures import Funnel
from engagement.reading import icb_asked_for, read_funnel

ICB = OpenApiParameter(
    "icb", description="ODS code of the ICB; may be left out by a commissioner of just one"
)


class CountSchema(serializers.Serializer[None]):
    """A count after disclosure control."""

    value = serializers.IntegerField(allow_null=True)
    hidden = serializers.BooleanField()


class RowSchema(serializers.Serializer[None]):
    """One line of figures."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name
    is_provisional = serializers.BooleanField()
    counts = CountSchema(many=True)
    percentages = serializers.ListField(child=serializers.IntegerField(allow_null=True))


class IcbSchema(serializers.Serializer[None]):
    """The ICB the figures are of."""

    ods_code = serializers.CharField()
    name = serializers.CharField()


class FunnelSchema(serializers.Serializer[None]):
    """The funnel: counts 1 to 7 hidden, others to the nearest 5."""

    icb = IcbSchema()
    first_month = serializers.CharField()
    last_month = serializers.CharField()
    steps = serializers.ListField(child=serializers.CharField())
    total = RowSchema()
    by_month = RowSchema(many=True)
    by_practice = RowSchema(many=True)


class FunnelFigures(APIView):
    """The funnel as JSON."""

    authentication_classes = [SignedIn]
    permission_classes = [IsSignedIn]

    @extend_schema(
        operation_id="measures_funnel",
        tags=["Measures"],
        parameters=[ICB],
        responses={200: FunnelSchema, 401: OpenApiTypes.OBJECT, 404: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        """From referral to taking part, for one ICB."""
        return Response(as_values(_funnel_for(request)))


class FunnelSpreadsheet(APIView):
    """The funnel as CSV."""

    authentication_classes = [SignedIn]
    permission_classes = [IsSignedIn]

    @extend_schema(
        operation_id="measures_funnel_csv",
        tags=["Measures"],
        parameters=[ICB],
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR),
            401: OpenApiTypes.OBJECT,
            404: OpenApiTypes.OBJECT,
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """The same figures, one line per row and step."""
        figures = _funnel_for(request)
        return HttpResponse(
            as_csv(figures),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="funnel-{figures.icb_ods}.csv"'},
        )


def _funnel_for(request: Request) -> Funnel:
    user, match, now = request.user, request.resolver_match, timezone.now()
    if match is None or not isinstance(user, User):
        raise Http404
    asked = request.query_params.get("icb", "")
    icb = icb_asked_for(asked, among=icbs_of(user), by=user, at=now, address=str(match.url_name))
    if icb is None:
        raise Http404
    return read_funnel(icb=icb, by=commissioner_actor(user, icb=icb), at=now)
