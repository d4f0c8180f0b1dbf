"""Pages for when something is wrong. They need neither database nor session."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The request cannot be understood."""
    del exception
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The person may not."""
    del exception
    return render(request, "403.html", status=403)


def form_out_of_date(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token does not fit: cookies are off, or the page is old."""
    del reason
    return render(request, "403_csrf.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """There is nothing here."""
    del exception
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Our fault."""
    return render(request, "500.html", status=500)
