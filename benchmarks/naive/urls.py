"""The addresses of the control are those of the product, so that the same requests go to both."""

from django.urls import path

from benchmarks.naive.views import Instance, Type, Whole

urlpatterns = [
    path("fhir/R4", Whole.as_view()),
    path("fhir/R4/<str:kind>", Type.as_view()),
    path("fhir/R4/<str:kind>/<uuid:resource_id>", Instance.as_view()),
]
