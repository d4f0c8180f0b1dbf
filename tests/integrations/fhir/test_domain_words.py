"""What the domain can say, FHIR can say too. Unlike its neighbours this needs Django."""

from integrations.fhir import task
from referrals.lifecycle import BusinessStatus


def test_every_business_status_of_the_domain_has_its_words() -> None:
    assert {status.value for status in BusinessStatus} <= task.BUSINESS_STATUSES.keys()
