"""Who may: nobody, unless a view says otherwise."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.actors import Actor
from accounts.models import User
from accounts.scopes import Interaction, is_granted

if TYPE_CHECKING:  # settings name this module, and the views' module reads the settings
    from rest_framework.views import APIView


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

    interactions = {"GET": Interaction.READ, "HEAD": Interaction.READ, "POST": Interaction.CREATE}

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether a scope of the token covers it."""
        actor = request.user
        if not isinstance(actor, Actor):
            return False
        interaction = getattr(view, "interaction", None) or self.interactions.get(
            request.method or ""
        )
        if interaction is None or not hasattr(view, (request.method or "").lower()):
            return True  # DRF answers 405 by itself
        types: tuple[str, ...] = getattr(view, "resource_types", ())
        missing = [
            f"system/{name}.{interaction}"
            for name in types
            if not is_granted(actor.scopes, resource_type=name, interaction=interaction)
        ]
        # DRF makes a permission for each request and reads this when it refuses.
        self.message = (
            f"The token does not cover this: {' '.join(missing)} is needed,"
            f" and it holds {' '.join(sorted(actor.scopes))}."
        )
        return not missing
