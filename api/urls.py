"""Addresses for machines."""

from django.urls import path, re_path

from api import conditions, events, health, measures, metrics, schema, token
from api.fhir import audit_event, bundle, metadata, patient, service_request, task

_FHIR = "fhir/R4"

urlpatterns = [
    path("oauth2/token", token.Token.as_view(), name="token"),
    path(f"{_FHIR}/metadata", metadata.Metadata.as_view(), name="fhir-metadata"),
    path(
        f"{_FHIR}/.well-known/smart-configuration",
        metadata.SmartConfiguration.as_view(),
        name="fhir-smart",
    ),
    re_path(rf"^{_FHIR}/?$", bundle.Transaction.as_view(), name="fhir-transaction"),
    path(
        f"{_FHIR}/ServiceRequest",
        service_request.ServiceRequestCollection.as_view(),
        name="fhir-service-requests",
    ),
    path(
        f"{_FHIR}/ServiceRequest/<str:resource_id>",
        service_request.ServiceRequestInstance.as_view(),
        name="fhir-service-request",
    ),
    path(
        f"{_FHIR}/ServiceRequest/<str:resource_id>/_history/<int:version>",
        service_request.ServiceRequestVersion.as_view(),
        name="fhir-service-request-version",
    ),
    path(f"{_FHIR}/Task", task.TaskCollection.as_view(), name="fhir-tasks"),
    path(f"{_FHIR}/Task/<str:resource_id>", task.TaskInstance.as_view(), name="fhir-task"),
    path(
        f"{_FHIR}/Task/<str:resource_id>/_history/<int:version>",
        task.TaskVersion.as_view(),
        name="fhir-task-version",
    ),
    path(f"{_FHIR}/Patient", patient.PatientCollection.as_view(), name="fhir-patients"),
    path(
        f"{_FHIR}/Patient/<str:resource_id>", patient.PatientInstance.as_view(), name="fhir-patient"
    ),
    path(
        f"{_FHIR}/AuditEvent",
        audit_event.AuditEventCollection.as_view(),
        name="fhir-audit-events",
    ),
    path(
        f"{_FHIR}/AuditEvent/<str:resource_id>",
        audit_event.AuditEventInstance.as_view(),
        name="fhir-audit-event",
    ),
    re_path(r"^fhir(/.*)?$", metadata.NotServed.as_view(), name="fhir-not-served"),
    path("api/events/<uuid:key_id>", events.Events.as_view(), name="api-events"),
    path("api/measures/funnel", measures.FunnelFigures.as_view(), name="api-funnel"),
    path(
        "api/measures/funnel.csv",
        measures.FunnelSpreadsheet.as_view(),
        name="commissioner-funnel-csv",
    ),
    path("api/conditions", conditions.Conditions.as_view(), name="api-conditions"),
    path("api/schema/", schema.Schema.as_view(), name="api-schema"),
    path("metrics", metrics.metrics, name="metrics"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
]
