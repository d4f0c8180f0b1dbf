"""HTTP for machines: FHIR, tokens, activity events and measures."""
