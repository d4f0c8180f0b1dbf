"""Who is signed in, and what they may act as: the same for all pages of people with a role."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor, member_actor
from accounts.members import organisations_of
from accounts.models import Role, User

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponse]
StaffView = Callable[Concatenate[HttpRequest, list[Actor], Rest], HttpResponse]


def for_role(*roles: Role) -> Callable[[StaffView[Rest]], View[Rest]]:
    """A page for whoever has one of these roles: it is given them as actors, one for each organisation. Kept nowhere."""

    def decorator(view: StaffView[Rest]) -> View[Rest]:
        @never_cache
        @require_http_methods(["GET", "HEAD", "POST"])
        @login_required
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Rest.args, **more: Rest.kwargs) -> HttpResponse:
            actors = _actors(request, *roles)
            if not actors:
                raise PermissionDenied
            return view(request, actors, *args, **more)

        return cast(View[Rest], wrapped)

    return decorator


def _actors(request: HttpRequest, *roles: Role) -> list[Actor]:
    user = request.user
    if not isinstance(user, User):
        return []
    organisations = dict.fromkeys(organisations_of(user, *roles))
    return [member_actor(user, organisation=organisation) for organisation in organisations]
