"""Addresses for people."""

from django.urls import include, path, re_path

from web import commissioner, errors, patient, public

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
    path("commissioner/", commissioner.overview, name="commissioner-funnel"),
]
