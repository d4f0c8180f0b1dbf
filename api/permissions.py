"""Who may: nobody, unless a view says otherwise."""

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.actors import Actor
from accounts.models import User
from accounts.scopes import Interaction, is_granted

if TYPE_CHECKING:  # settings name this module, and the views' module reads the settings
    from rest_framework.views import APIView


def require(actor: Actor, *needed: tuple[str, str]) -> None:
    """Refuse what the token does not cover: each is a type and an interaction. Raises PermissionDenied."""
    missing = [
        f"system/{resource_type}.{interaction}"
        for resource_type, interaction in needed
        if not is_granted(actor.scopes, resource_type=resource_type, interaction=interaction)
    ]
    if missing:
        held = " ".join(sorted(actor.scopes))
        raise PermissionDenied(
            f"The token does not cover this: {' '.join(missing)} is needed, and it holds {held}."
        )


class Nobody(BasePermission):
    """The default: a view that forgets to say who may is closed."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """No."""
        del request, view
        return False


class IsSignedIn(BasePermission):
    """Anybody with a session; what they see is decided by what they are a member of."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """A person."""
        del view
        return isinstance(request.user, User)


class HasScope(BasePermission):
    """A clinical system whose token covers the view's ``resource_type`` and the method's interaction."""

    interactions = {
        "GET": Interaction.READ,
        "HEAD": Interaction.READ,
        "POST": Interaction.CREATE,
        "PUT": Interaction.UPDATE,
        "PATCH": Interaction.UPDATE,
        "DELETE": Interaction.DELETE,
    }

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether a scope of the token covers it."""
        actor = request.user
        if not isinstance(actor, Actor):
            return False
        interaction = getattr(view, "interaction", None) or self.interactions.get(
            request.method or ""
        )
        method = (request.method or "").lower()
        if interaction is None or method not in view.http_method_names or not hasattr(view, method):
            return True  # DRF answers 405 by itself
        types: tuple[str, ...] = getattr(view, "resource_types", ())
        require(actor, *((name, interaction) for name in types))
        return True
