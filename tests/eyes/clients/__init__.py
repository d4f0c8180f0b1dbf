"""Other people's FHIR clients, each driving a whole referral against a live server in an environment of its own."""
