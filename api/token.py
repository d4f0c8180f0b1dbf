"""``POST /oauth2/token``: SMART Backend Services, client_credentials with a signed JWT."""

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.throttling import Limit
from accounts.tokens import AssertionRefused, ScopeRefused, issue_token
from api.events import ErrorSchema
from api.throttling import Counted

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class TokenRequest(serializers.Serializer[None]):
    """What a client sends, as a form."""

    grant_type = serializers.ChoiceField(["client_credentials"])
    client_assertion_type = serializers.ChoiceField([ASSERTION_TYPE])
    client_assertion = serializers.CharField(max_length=8000)
    scope = serializers.CharField(max_length=500)


class TokenAnswer(serializers.Serializer[None]):
    """What it gets."""

    access_token = serializers.CharField()
    token_type = serializers.ChoiceField(["bearer"])
    expires_in = serializers.IntegerField()
    scope = serializers.CharField()


class TokenError(serializers.Serializer[None]):
    """What it gets when it may not (RFC 6749, section 5.2)."""

    error = serializers.CharField()
    error_description = serializers.CharField()


def token_address() -> str:
    """The audience that assertions must name."""
    return f"{settings.PUBLIC_BASE_URL}/oauth2/token"


class Token(Counted):
    """The token endpoint."""

    limit = Limit.TOKEN
    permission_classes = [AllowAny]
    parser_classes = [FormParser]

    @extend_schema(
        operation_id="token_create",
        tags=["Sign-in"],
        request=TokenRequest,
        responses={200: TokenAnswer, 400: TokenError, 401: TokenError, 429: ErrorSchema},
        examples=[
            OpenApiExample(
                "A token",
                value={
                    "access_token": "kY3…",
                    "token_type": "bearer",
                    "expires_in": 300,
                    "scope": "system/ServiceRequest.crs system/Patient.c",
                },
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Exchange a signed assertion (RS384, ES384 or RS512) for a token that lives five minutes."""
        form = TokenRequest(data=request.data)
        if not form.is_valid():
            name, [fault, *_more] = next(iter(form.errors.items()))
            is_unsupported = name == "grant_type" and fault.code == "invalid_choice"
            code = "unsupported_grant_type" if is_unsupported else "invalid_request"
            return _error(400, code, f"{name}: {fault}")
        sent = form.validated_data
        try:
            issued = issue_token(
                assertion=sent["client_assertion"],
                scope=sent["scope"],
                audience=token_address(),
                at=timezone.now(),
            )
        except AssertionRefused as error:
            return _error(401, "invalid_client", str(error))
        except ScopeRefused as error:
            return _error(400, "invalid_scope", str(error))
        return Response(
            {
                "access_token": issued.token,
                "token_type": "bearer",
                "expires_in": issued.expires_in,
                "scope": issued.scope,
            },
            headers={"Pragma": "no-cache"},
        )


def _error(status: int, code: str, sentence: str) -> Response:
    return Response({"error": code, "error_description": sentence}, status=status)
