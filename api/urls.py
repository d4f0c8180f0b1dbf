"""Addresses for machines."""

from django.urls import path

from api import conditions, events, health, measures, metrics, schema, token
from api.fhir.addresses import ADDRESSES

urlpatterns = [
    path("oauth2/token", token.Token.as_view(), name="token"),
    *ADDRESSES,
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
