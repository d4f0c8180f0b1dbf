"""Who is asking: a bearer token of a clinical system, or the session of somebody signed in."""

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.actors import Actor
from accounts.models import User
from accounts.tokens import actor_of_token


class BearerToken(BaseAuthentication):
    """The token that /oauth2/token gave. ``request.user`` becomes the Actor."""

    def authenticate(self, request: Request) -> tuple[Actor, str] | None:
        """The actor, or None when there is no token at all."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        actor = (
            actor_of_token(token.strip(), at=timezone.now()) if scheme.lower() == "bearer" else None
        )
        if actor is None:
            raise AuthenticationFailed(
                "The access token is unknown or has expired. Ask for a new one at /oauth2/token."
            )
        return actor, token

    def authenticate_header(self, request: Request) -> str:
        """What WWW-Authenticate says."""
        del request
        return 'Bearer realm="Peer Referrals"'


class SignedIn(BaseAuthentication):
    """A person's session. Only for reading: there is no CSRF check here."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The person, if signed in."""
        user = getattr(request._request, "user", AnonymousUser())  # noqa: SLF001  (DRF's own way in)
        return (user, None) if isinstance(user, User) and user.is_active else None

    def authenticate_header(self, request: Request) -> str:
        """What WWW-Authenticate says."""
        del request
        return 'Session realm="Peer Referrals"'


class BearerTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How OpenAPI names the token."""

    target_class = "api.authentication.BearerToken"
    name = "SmartBackendServices"

    def get_security_definition(self, auto_schema: object) -> dict[str, object]:
        """A bearer token."""
        del auto_schema
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "SMART Backend Services: see /oauth2/token",
        }


class SignedInScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How OpenAPI names the session."""

    target_class = "api.authentication.SignedIn"
    name = "Session"

    def get_security_definition(self, auto_schema: object) -> dict[str, object]:
        """A cookie."""
        del auto_schema
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
