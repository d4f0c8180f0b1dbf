"""HealthcareService, Location and Organization: read only, as the directory stands today."""

from datetime import date

from django.conf import settings
from django.utils.timezone import localdate

from api.fhir.base import BASE_URL
from api.fhir.kinds import Kind
from integrations.fhir.sources import directory
from integrations.fhir.systems import fhir_base

_MATCH = f"{fhir_base(BASE_URL)}/OperationDefinition/HealthcareService-match"


def _today() -> date:
    return localdate()


def _is_demonstration() -> bool:
    return bool(settings.DEMO)


SERVICES = directory.healthcare_services(day=_today, is_demonstration=_is_demonstration)
HEALTHCARE_SERVICE = Kind(
    resource_type="HealthcareService", sources=(SERVICES,), operations={"match": _MATCH}
)
LOCATION = Kind(resource_type="Location", sources=(directory.locations(day=_today),))
ORGANIZATION = Kind(resource_type="Organization", sources=(directory.organizations(day=_today),))
