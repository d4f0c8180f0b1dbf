"""``GET /api/conditions``: the conditions that referrals can be for, with the SNOMED CT codes we know."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.throttling import Counted
from communities.selectors import conditions_with_codes


class CodeSchema(serializers.Serializer[None]):
    """A SNOMED CT code."""

    system = serializers.URLField()
    code = serializers.CharField()
    display = serializers.CharField()


class ConditionSchema(serializers.Serializer[None]):
    """A condition."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name
    group = serializers.CharField()
    codes = CodeSchema(many=True)


class Conditions(Counted):
    """The value set for ServiceRequest.reasonCode."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="conditions_list",
        tags=["Directory"],
        responses={200: ConditionSchema(many=True)},
    )
    def get(self, request: Request) -> Response:
        """Every condition with its codes."""
        del request
        return Response(
            [
                {
                    "key": condition.key,
                    "label": condition.label,
                    "group": condition.group,
                    "codes": [
                        {
                            "system": "http://snomed.info/sct",
                            "code": code.snomed_code,
                            "display": code.term,
                        }
                        for code in condition.codes.all()
                    ],
                }
                for condition in conditions_with_codes()
            ]
        )
