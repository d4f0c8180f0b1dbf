"""Addresses for machines."""

from django.urls import path

from api import (
    capacity,
    communities,
    conditions,
    events,
    health,
    measures,
    metrics,
    open_referral,
    schema,
    token,
)
from api.fhir.addresses import ADDRESSES

urlpatterns = [
    path("oauth2/token", token.Token.as_view(), name="token"),
    *ADDRESSES,
    path("api/events/<uuid:key_id>", events.Events.as_view(), name="api-events"),
    path("api/communities/", communities.Communities.as_view(), name="api-communities"),
    path(
        "api/communities/<slug:key>/",
        communities.CommunityDetail.as_view(),
        name="api-community",
    ),
    path(
        "api/communities/<slug:key>/capacity",
        capacity.CommunityCapacity.as_view(),
        name="api-community-capacity",
    ),
    path("api/measures/funnel", measures.FunnelFigures.as_view(), name="api-funnel"),
    path(
        "api/measures/funnel.csv",
        measures.FunnelSpreadsheet.as_view(),
        name="commissioner-funnel-csv",
    ),
    path("api/measures/fairness", measures.FairnessFigures.as_view(), name="api-fairness"),
    path("api/measures/unmet-need", measures.UnmetNeedFigures.as_view(), name="api-unmet-need"),
    path("api/conditions", conditions.Conditions.as_view(), name="api-conditions"),
    path("api/openreferral/", open_referral.ApiDetails.as_view(), name="oruk"),
    path("api/openreferral/services", open_referral.Services.as_view(), name="oruk-services"),
    path(
        "api/openreferral/services/<uuid:resource_id>",
        open_referral.Service.as_view(),
        name="oruk-service",
    ),
    path(
        "api/openreferral/service_at_locations",
        open_referral.ServicesAtLocations.as_view(),
        name="oruk-service-at-locations",
    ),
    path(
        "api/openreferral/organizations",
        open_referral.Organizations.as_view(),
        name="oruk-organizations",
    ),
    path(
        "api/openreferral/organizations/<uuid:resource_id>",
        open_referral.Organization.as_view(),
        name="oruk-organization",
    ),
    path("api/openreferral/taxonomies", open_referral.Taxonomies.as_view(), name="oruk-taxonomies"),
    path(
        "api/openreferral/taxonomies/<uuid:resource_id>",
        open_referral.Taxonomy.as_view(),
        name="oruk-taxonomy",
    ),
    path(
        "api/openreferral/taxonomy_terms",
        open_referral.TaxonomyTerms.as_view(),
        name="oruk-taxonomy-terms",
    ),
    path(
        "api/openreferral/taxonomy_terms/<uuid:resource_id>",
        open_referral.TaxonomyTerm.as_view(),
        name="oruk-taxonomy-term",
    ),
    path("api/schema/", schema.Schema.as_view(), name="api-schema"),
    path("metrics", metrics.metrics, name="metrics"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
]
