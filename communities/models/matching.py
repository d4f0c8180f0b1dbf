"""What the matcher leaves behind: the facts it judged by, and the needs that nobody could meet."""

from django.db import models
from django.db.models import Q

from communities.models.conditions import Condition
from communities.models.directory import Community
from privacy.classes import Privacy
from privacy.row_security import SHARED


class JudgedFacts(models.Model):
    """What the rules were told of a community at some time. Each state of its facts is kept once, and never changed."""

    community = models.ForeignKey(Community, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    facts = models.JSONField()

    IS_APPEND_ONLY = True
    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("id", "community", "digest", "facts"), Privacy.OPEN)

    def __str__(self) -> str:
        return self.digest


class UnmetNeed(models.Model):
    """How many referrals of a month, for a condition, from a place, by people of a language, met no community.

    Nothing leads from it to a person or a practice. The place is where the patient lives, roughly, as the matcher saw
    it; ``language`` is a tag without variants; each is empty where it is not known. ``month`` is its first day.
    """

    condition = models.ForeignKey(Condition, on_delete=models.PROTECT, related_name="+")
    icb_ods = models.CharField(max_length=10, blank=True)
    lad_code = models.CharField(max_length=9, blank=True)
    language = models.CharField(max_length=8, blank=True)
    month = models.DateField()
    number = models.PositiveIntegerField(default=0)

    TENANCY = SHARED
    PRIVACY = {
        **dict.fromkeys(("id", "condition", "icb_ods", "lad_code", "language"), Privacy.OPEN),
        "month": Privacy.OPEN,
        "number": Privacy.SENSITIVE,  # a small one is not to be shown
    }

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["condition", "icb_ods", "lad_code", "language", "month"],
                name="unmet_need_once",
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="unmet_need_by_month"),
        ]

    def __str__(self) -> str:
        return f"{self.condition_id} {self.icb_ods} {self.month:%Y-%m}: {self.number}"
