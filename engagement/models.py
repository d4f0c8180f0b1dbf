"""What communities report: counts by day under a pseudonym."""

from django.db import models
from django.db.models import Q

from accounts.models import Organisation
from engagement.contract import ActivityKind
from privacy.classes import Privacy
from privacy.row_security import owned_by
from referrals.models import Placement


class Activity(models.Model):
    """One event, kept as a count. (host, source, event_id) is unique for ever, so a repeat never counts twice."""

    id = models.BigAutoField(primary_key=True)
    host = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="activities")
    source = models.CharField(max_length=200)
    event_id = models.CharField(max_length=100)
    placement = models.ForeignKey(Placement, on_delete=models.PROTECT, related_name="activities")
    kind = models.CharField(max_length=20, choices=ActivityKind.choices)
    day = models.DateField()
    count = models.PositiveIntegerField()
    received_at = models.DateTimeField()

    TENANCY = owned_by("host_id")
    PRIVACY = {
        **dict.fromkeys(("id", "host", "source", "received_at"), Privacy.OPEN),
        **dict.fromkeys(("event_id", "placement"), Privacy.PSEUDONYM),
        **dict.fromkeys(("kind", "day", "count"), Privacy.SENSITIVE),
    }

    class Meta:
        verbose_name_plural = "activities"
        constraints = [
            models.UniqueConstraint(fields=["host", "source", "event_id"], name="activity_once"),
            models.CheckConstraint(
                condition=Q(kind__in=ActivityKind.values), name="activity_known_kind"
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="activity_counts_something"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} × {self.count} on {self.day}"
