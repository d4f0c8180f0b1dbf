"""A naive control: Django REST framework, the ORM, fhir.resources read and dumped; no sign-in, no checks, no secrets."""
