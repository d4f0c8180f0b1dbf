"""Every address of the product."""

from django.urls import include, path

from web.admin import site

handler400 = "config.unavailable.bad_request"
handler403 = "web.errors.forbidden"
handler404 = "web.errors.not_found"
handler500 = "config.unavailable.server_error"

urlpatterns = [
    path("", include("api.urls")),
    path("", include("web.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", site.urls),
]
