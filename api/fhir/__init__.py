"""The FHIR R4 endpoints, one module per endpoint."""
