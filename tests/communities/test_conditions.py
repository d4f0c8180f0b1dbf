"""Which conditions are broader than which."""

import pytest
from django.core.exceptions import ValidationError

from communities.models import Condition

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("broader", "text"),
    [("depression", "circle"), ("anxiety", "circle"), ("no-such-key", "no condition")],
)
def test_a_hierarchy_that_leads_nowhere_or_back_is_refused(broader: str, text: str) -> None:
    Condition.objects.filter(key="anxiety").update(broader="depression")
    condition = Condition.objects.get(key="depression")
    condition.broader = broader

    with pytest.raises(ValidationError, match=text):
        condition.full_clean()


def test_every_condition_that_ships_is_sound() -> None:
    for condition in Condition.objects.all():
        condition.full_clean()
