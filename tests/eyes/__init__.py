"""Independent eyes: other people's FHIR software checks every body of the suite and drives the service as a client."""
