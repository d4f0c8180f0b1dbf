"""FHIR R4 (4.0.1) in and out: JSON is checked here, read into the domain's dataclasses and written back."""
