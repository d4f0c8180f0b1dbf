"""Where people live, and which parts of the country communities serve."""

from django.db import models
from django.db.models.functions import Now

from privacy.classes import Privacy
from privacy.row_security import SHARED


class LocalAuthority(models.Model):
    """A local authority of Great Britain (ONS code)."""

    lad_code = models.CharField(primary_key=True, max_length=9)
    name = models.CharField(max_length=100)
    region = models.CharField(max_length=60, blank=True)
    icb_ods = models.CharField(max_length=10, blank=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("lad_code", "name", "region", "icb_ods"), Privacy.OPEN)

    def __str__(self) -> str:
        return self.name


class Outcode(models.Model):
    """The first half of a postcode, placed where most of its postcodes lie: approximate by nature."""

    outcode = models.CharField(primary_key=True, max_length=4)
    local_authority = models.ForeignKey(LocalAuthority, on_delete=models.PROTECT, null=True)
    icb_ods = models.CharField(max_length=10, blank=True)
    country_code = models.CharField(max_length=9)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("outcode", "local_authority", "icb_ods", "country_code", "latitude", "longitude"),
        Privacy.OPEN,
    )

    def __str__(self) -> str:
        return self.outcode


class Area(models.Model):
    """A part of the United Kingdom that communities serve. ``place`` is a kind and a code, as in ``icb:QMF``.

    ``id`` follows from ``place``, so that it is the same everywhere. A board that has ended has a ``valid_to``.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    place = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    valid_to = models.DateField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("id", "place", "name", "valid_to", "updated_at"), Privacy.OPEN)

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        """``nation``, ``icb`` or ``lad`` (local authority district)."""
        return self.place.partition(":")[0]

    @property
    def code(self) -> str:
        """The nation's name, the board's ODS code or the authority's ONS code."""
        return self.place.partition(":")[2]
