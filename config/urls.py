"""Every address of the product."""

from django.urls import include, path

handler400 = "web.errors.bad_request"
handler403 = "web.errors.forbidden"
handler404 = "web.errors.not_found"
handler500 = "web.errors.server_error"

urlpatterns = [
    path("", include("api.urls")),
    path("", include("web.urls")),
    path("accounts/", include("allauth.urls")),
]
