"""``GET /api/measures/…``: the commissioner's figures for machines, as JSON; the funnel as CSV too."""

from datetime import datetime

from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actors import Actor, commissioner_actor, icbs_of
from accounts.models import Organisation, User
from api.authentication import SignedIn
from api.permissions import IsSignedIn
from engagement.faces import as_csv, as_values, fairness_as_values, unmet_needs_as_values
from engagement.fairness import Verdict
from engagement.measures import Funnel
from engagement.reading import icb_asked_for, read_fairness, read_funnel, read_unmet_needs

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


class OutcomeSchema(serializers.Serializer[None]):
    """One outcome of a group: shown counts, whole per cent, the difference to the reference and its 95% interval."""

    key = serializers.CharField()
    count = CountSchema()
    of = CountSchema()
    percent = serializers.IntegerField(allow_null=True)
    reference_percent = serializers.IntegerField(allow_null=True)
    difference = serializers.IntegerField(allow_null=True)
    low = serializers.IntegerField(allow_null=True)
    high = serializers.IntegerField(allow_null=True)
    verdict = serializers.ChoiceField(choices=[str(verdict) for verdict in Verdict])


class GroupSchema(serializers.Serializer[None]):
    """One group of people."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name
    matched = CountSchema()
    outcomes = OutcomeSchema(many=True)


class BreakdownSchema(serializers.Serializer[None]):
    """The groups of one kind. An empty ``reference``: each is compared with all others together."""

    key = serializers.CharField()
    reference = serializers.CharField(allow_blank=True)
    unknown = CountSchema()
    percent_unknown = serializers.IntegerField(allow_null=True)
    groups = GroupSchema(many=True)


class MatcherSchema(serializers.Serializer[None]):
    """What one version of the matcher did; ``gaps`` is how many shares are behind."""

    version = serializers.CharField()
    gaps = serializers.IntegerField()
    breakdowns = BreakdownSchema(many=True)


class FairnessSchema(serializers.Serializer[None]):
    """How groups of people were served; ``widest_gap`` in percentage points."""

    icb = IcbSchema()
    first_month = serializers.CharField()
    last_month = serializers.CharField()
    widest_gap = serializers.IntegerField()
    matchers = MatcherSchema(many=True)


class NeedSchema(serializers.Serializer[None]):
    """How many referrals for a condition found no community."""

    condition = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name
    referrals = CountSchema()


class NeedOfPlaceSchema(NeedSchema):
    """Of those who live in one local authority; empty where it is not known."""

    lad_code = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)


class NeedOfLanguageSchema(NeedSchema):
    """Of those who speak one language; empty where it is not known."""

    language = serializers.CharField(allow_blank=True)


class UnmetNeedsSchema(serializers.Serializer[None]):
    """The register of unmet need."""

    icb = IcbSchema()
    first_month = serializers.CharField()
    last_month = serializers.CharField()
    by_condition = NeedSchema(many=True)
    by_place = NeedOfPlaceSchema(many=True)
    by_language = NeedOfLanguageSchema(many=True)


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


class FairnessFigures(APIView):
    """Whether groups of people are served alike."""

    authentication_classes = [SignedIn]
    permission_classes = [IsSignedIn]

    @extend_schema(
        operation_id="measures_fairness",
        tags=["Measures"],
        parameters=[ICB],
        responses={200: FairnessSchema, 401: OpenApiTypes.OBJECT, 404: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        """What the matcher offered to groups of people and what came of it, for one ICB."""
        icb, by, at = _asked(request)
        return Response(fairness_as_values(read_fairness(icb=icb, by=by, at=at)))


class UnmetNeedFigures(APIView):
    """The register of unmet need."""

    authentication_classes = [SignedIn]
    permission_classes = [IsSignedIn]

    @extend_schema(
        operation_id="measures_unmet_need",
        tags=["Measures"],
        parameters=[ICB],
        responses={200: UnmetNeedsSchema, 401: OpenApiTypes.OBJECT, 404: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        """The conditions for which no community was found, by place and by language, for one ICB."""
        icb, by, at = _asked(request)
        return Response(unmet_needs_as_values(read_unmet_needs(icb=icb, by=by, at=at)))


def _funnel_for(request: Request) -> Funnel:
    icb, by, at = _asked(request)
    return read_funnel(icb=icb, by=by, at=at)


def _asked(request: Request) -> tuple[Organisation, Actor, datetime]:
    user, match, now = request.user, request.resolver_match, timezone.now()
    if match is None or not isinstance(user, User):
        raise Http404
    asked = request.query_params.get("icb", "")
    icb = icb_asked_for(asked, among=icbs_of(user), by=user, at=now, address=str(match.url_name))
    if icb is None:
        raise Http404
    return icb, commissioner_actor(user, icb=icb), now
