"""Pages for everybody."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is and where to go."""
    return render(request, "home.html")


@require_safe
def help_now(request: HttpRequest) -> HttpResponse:
    """Help in a crisis. Needs no database and no session."""
    return render(request, "help_now.html")


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """The small picture that browsers ask for at a fixed address."""
    del request
    return redirect(static("web/icon.svg"))
