"""Code and identifier systems: the spelling we write, and the other spellings we understand."""

import re

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS_ORGANIZATION_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
HTTP_ERROR_CODES = "https://fhir.nhs.uk/CodeSystem/http-error-codes"
SNOMED = "http://snomed.info/sct"
ADMINISTRATIVE_GENDER = "http://hl7.org/fhir/administrative-gender"
REQUEST_STATUS = "http://hl7.org/fhir/request-status"
REQUEST_INTENT = "http://hl7.org/fhir/request-intent"
REQUEST_PRIORITY = "http://hl7.org/fhir/request-priority"
TASK_STATUS = "http://hl7.org/fhir/task-status"
TASK_INTENT = "http://hl7.org/fhir/task-intent"
DATA_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
PARTICIPANT_TYPE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
RESTFUL_INTERACTION = "http://hl7.org/fhir/restful-interaction"
AUDIT_EVENT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
AUDIT_ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
AUDIT_SOURCE_TYPE = "http://terminology.hl7.org/CodeSystem/security-source-type"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
PATIENT_COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/patient"
MESSAGE_TRANSPORT = "http://terminology.hl7.org/CodeSystem/message-transport"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
LOCATION_PHYSICAL_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
SERVICE_PROVISION = "http://terminology.hl7.org/CodeSystem/service-provision-conditions"
# Of HL7's SDOH Clinical Care 3.0.0, whose value set SDOHCC Capacity Status has four of its codes.
CAPACITY_STATUS = (
    "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
)
LANGUAGE = "urn:ietf:bcp:47"
UCUM = "http://unitsofmeasure.org"
RESTFUL_SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"

# Published NHS material writes one system in several ways: http or https, Id or id, the old host.
_MANY_SPELLINGS = re.compile(r"https?://(?:fhir\.nhs\.|fhir\.hl7\.org\.uk/|snomed\.info/)")
_NHS_ID = re.compile(r"https?://fhir\.nhs\.(?:uk|net)/[Ii]d/(?P<name>[^/]+)/?")
_NHS_CODES = re.compile(r"https?://fhir\.nhs\.uk/[Cc]ode[Ss]ystem/(?P<name>[^/]+)/?")
_UK_CORE_ID = re.compile(r"https?://fhir\.hl7\.org\.uk/[Ii]d/(?P<name>[^/]+)/?")
_SNOMED = re.compile(r"https?://snomed\.info/sct/?")

_EXCEPTIONS = {
    "https://fhir.nhs.uk/Id/ods-organisation-code": ODS_ORGANIZATION_CODE,
    # This one system is published with a small "id".
    "https://fhir.nhs.uk/Id/product-id": "https://fhir.nhs.uk/id/product-id",
}

# What BaRS payloads write, rightly.
_PUBLISHED_TOO = {"https://fhir.nhs.uk/id/dos-service-id"}


def normalise(system: str) -> str:
    """The canonical spelling of a system; one that is not known comes back as it is."""
    if not _MANY_SPELLINGS.match(system):
        return system
    if found := _NHS_ID.fullmatch(system):
        canonical = f"https://fhir.nhs.uk/Id/{found['name']}"
        return _EXCEPTIONS.get(canonical, canonical)
    if found := _NHS_CODES.fullmatch(system):
        return f"https://fhir.nhs.uk/CodeSystem/{found['name']}"
    if found := _UK_CORE_ID.fullmatch(system):
        return f"https://fhir.hl7.org.uk/Id/{found['name']}"
    return SNOMED if _SNOMED.fullmatch(system) else system


def is_known_spelling(system: str) -> bool:
    """Whether a system is written as published; what is not NHS's or SNOMED's is the sender's own business."""
    return system in _PUBLISHED_TOO or normalise(system) == system


def fhir_base(base_url: str) -> str:
    """The address under which resources are served."""
    return f"{base_url}/fhir/R4"


def own(base_url: str, name: str) -> str:
    """One of this service's own code systems, such as ``referral-type``."""
    return f"{fhir_base(base_url)}/CodeSystem/{name}"


def own_profile(base_url: str, name: str) -> str:
    """The canonical of one of this service's own profiles, such as ``peer-support-referral``."""
    return f"{fhir_base(base_url)}/StructureDefinition/{name}"


def own_definition(base_url: str, name: str) -> str:
    """One of this service's own extensions, such as ``match-reason``."""
    return f"{fhir_base(base_url)}/StructureDefinition/{name}"


def own_identifier(base_url: str, name: str) -> str:
    """One of this service's own identifier systems, such as ``referral``."""
    return f"{base_url}/fhir/Id/{name}"
