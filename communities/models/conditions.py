"""The conditions that communities are found by, and the codes that lead to them."""

from django.core.exceptions import ValidationError
from django.db import models

from privacy.classes import Privacy
from privacy.row_security import SHARED


class Condition(models.Model):
    """A condition that communities are found by: our own short list, mapped from SNOMED CT codes.

    ``people`` is how its people are spoken of; ``broader`` the key of more general communities for them.
    """

    key = models.SlugField(primary_key=True, max_length=40)
    label = models.CharField(max_length=100)
    group = models.CharField(max_length=40)
    people = models.CharField(max_length=100)
    broader = models.CharField(max_length=40, blank=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("key", "label", "group", "people", "broader"), Privacy.OPEN)

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """Refuse a broader condition that is not there, or from which one comes back to this one."""
        seen, key = {self.key}, self.broader
        while key:
            above = Condition.objects.filter(pk=key).values_list("broader", flat=True).first()
            if above is None:
                raise ValidationError({"broader": f"There is no condition with the key {key}."})
            if key in seen:
                raise ValidationError({"broader": "That goes round in a circle."})
            seen.add(key)
            key = above


class ConditionCode(models.Model):
    """A SNOMED CT concept that stands for a condition."""

    condition = models.ForeignKey(Condition, on_delete=models.CASCADE, related_name="codes")
    snomed_code = models.CharField(max_length=18, unique=True)
    term = models.CharField(max_length=255, blank=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("id", "condition", "snomed_code", "term"), Privacy.OPEN)

    def __str__(self) -> str:
        return f"{self.snomed_code} | {self.term} |"
