"""FHIR search: what was asked, how it reads on the domain's rows, and the pages of the answer."""
