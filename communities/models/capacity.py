"""How many places a community has, who has one or waits for one, and what that is called in FHIR."""

from datetime import date

from django.db import models
from django.db.models import Q

from communities.models.directory import Community
from privacy.classes import Privacy
from privacy.row_security import SHARED


class CapacityState(models.TextChoices):
    """Whether there is room: the codes of SDOHCC Capacity Status (HL7 SDOH Clinical Care 3.0.0), and that it is not known."""

    CAPACITY = "capacity", "Has Capacity"
    NO_CAPACITY = "no-capacity", "No Capacity"
    WAITLIST = "waitlist", "No Capacity - Has Waitlist"
    ASSESSMENT = "additional-assessment-required", "Additional Assessment Required"
    UNKNOWN = "unknown", "Not known"


class Capacity(models.Model):
    """What a host has stated of its places; a community without a row has stated nothing and is offered as it is.

    ``total`` None: no limit. ``used`` counts the places that are taken and those that are held for somebody. After
    ``fresh_until`` nobody knows any more whether there is room; the limit itself still holds. ``message_id`` and
    ``message_at`` are those of the last signed message that stated it.
    """

    community = models.OneToOneField(
        Community, primary_key=True, on_delete=models.PROTECT, related_name="capacity"
    )
    total = models.PositiveIntegerField(null=True)
    used = models.PositiveIntegerField(default=0)
    has_waiting_list = models.BooleanField(default=False)
    needs_assessment = models.BooleanField(default=False)
    stated_on = models.DateField()
    fresh_until = models.DateField()
    stated_by = models.CharField(max_length=80)
    message_id = models.CharField(max_length=100, blank=True, db_default="")
    message_at = models.DateTimeField(null=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("community", "total", "used", "has_waiting_list", "needs_assessment")
        + ("stated_on", "fresh_until", "stated_by", "message_id", "message_at"),
        Privacy.OPEN,
    )

    class Meta:
        verbose_name_plural = "capacities"
        constraints = [
            models.CheckConstraint(
                condition=Q(fresh_until__gte=models.F("stated_on")),
                name="capacity_is_fresh_when_stated",
            ),
            models.CheckConstraint(
                condition=Q(message_id="", message_at__isnull=True)
                | (~Q(message_id="") & Q(message_at__isnull=False)),
                name="capacity_message_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used} of {self.total}"

    @property
    def free(self) -> int | None:
        """Places that anybody can have; None: no limit. Nobody is evicted when the total falls below ``used``."""
        return None if self.total is None else max(0, self.total - self.used)

    def state(self, day: date) -> CapacityState:
        """Whether there is room, as far as that is known that day."""
        if day > self.fresh_until:
            return CapacityState.UNKNOWN
        if self.free == 0:
            return CapacityState.WAITLIST if self.has_waiting_list else CapacityState.NO_CAPACITY
        return CapacityState.ASSESSMENT if self.needs_assessment else CapacityState.CAPACITY


class PlaceState(models.TextChoices):
    """Where somebody stands who asked for a place."""

    WAITING = "waiting"
    OFFERED = "offered"  # a place is held until they answer
    TAKEN = "taken"
    RELEASED = "released"


PLACED = (PlaceState.OFFERED, PlaceState.TAKEN)


class Reservation(models.Model):
    """A place that somebody has in a community, is offered, or waits for. Those who wait are served by ``id``.

    ``holder`` is the key of a row (a referral) that only ``tenant_id``, the organisation it belongs to, can read: who
    it is stays hidden from everybody who serves the line.
    """

    id = models.BigAutoField(primary_key=True)
    community = models.ForeignKey(Community, on_delete=models.PROTECT, related_name="reservations")
    holder = models.UUIDField()
    tenant_id = models.UUIDField()
    state = models.CharField(max_length=10, choices=PlaceState.choices)
    asked_at = models.DateTimeField()
    held_until = models.DateTimeField(null=True)

    TENANCY = SHARED
    PRIVACY = {
        "holder": Privacy.PSEUDONYM,
        **dict.fromkeys(
            ("id", "community", "tenant_id", "state", "asked_at", "held_until"), Privacy.OPEN
        ),
    }

    class Meta:
        indexes = [
            models.Index(fields=["holder"], name="reservation_holder"),
            models.Index(
                fields=["community", "id"],
                name="reservation_line",
                condition=Q(state="waiting"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=PlaceState.values), name="reservation_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state=PlaceState.OFFERED, held_until__isnull=False)
                | (~Q(state=PlaceState.OFFERED) & Q(held_until__isnull=True)),
                name="reservation_held_until_when_offered",
            ),
            models.UniqueConstraint(
                fields=["community", "holder"],
                condition=~Q(state=PlaceState.RELEASED),
                name="reservation_once_a_holder",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.pk}"
