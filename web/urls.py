"""Addresses for people."""

from django.urls import include, path, re_path

from web import (
    commissioner,
    commissioner_fairness,
    directory,
    errors,
    host,
    patient,
    public,
    reviews,
)

# Accounts and their addresses are the operator's to make and change, so what allauth has for that is not there.
_closed = [
    path("signup/", errors.not_found),
    path("email/", errors.not_found),
    re_path("^confirm-email/", errors.not_found),
    path("password/set/", errors.not_found),
]

urlpatterns = [
    path("accounts/", include(_closed)),
    path("", public.home, name="home"),
    path("favicon.ico", public.icon, name="icon"),
    path("help/now", public.help_now, name="help-now"),
    path("communities/", directory.search, name="directory"),
    path("communities/<slug:key>/", directory.community, name="directory-community"),
    path("r/", patient.code, name="patient-code"),
    path("r/start", patient.start, name="patient-start"),
    path("r/check", patient.check, name="patient-check"),
    path("r/about", patient.about, name="patient-about"),
    path("r/choose", patient.choose, name="patient-choose"),
    path("r/share", patient.share, name="patient-share"),
    path("r/done", patient.done, name="patient-done"),
    path("r/manage", patient.manage, name="patient-manage"),
    path("r/leave", patient.leave, name="patient-leave"),
    path("r/decline", patient.decline, name="patient-decline"),
    path("r/close", patient.close, name="patient-close"),
    path("r/<str:code>", patient.link, name="patient-link"),
    path("community/", host.communities, name="host-communities"),
    path("community/add", host.add, name="host-add"),
    path("community/<slug:key>/", host.profile, name="host-community"),
    path("community/<slug:key>/edit", host.edit, name="host-edit"),
    path("community/<slug:key>/places", host.places, name="host-places"),
    *(
        path(f"community/<slug:key>/{step}", host.confirm, {"step": step}, name=f"host-{step}")
        for step in host.STEPS
    ),
    path("reviews/", reviews.queue, name="reviews"),
    path("reviews/<uuid:revision_id>/", reviews.revision, name="review"),
    path("reviews/<slug:key>/suspend", reviews.suspend, name="review-suspend"),
    path("commissioner/", commissioner.overview, name="commissioner-funnel"),
    path("commissioner/fairness/", commissioner_fairness.overview, name="commissioner-fairness"),
]
