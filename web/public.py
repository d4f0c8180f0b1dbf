"""Pages for everybody."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is and where to go."""
    return render(request, "home.html")


@require_safe
def help_now(request: HttpRequest) -> HttpResponse:
    """Help in a crisis. Needs no database and no session."""
    return render(request, "help_now.html")
