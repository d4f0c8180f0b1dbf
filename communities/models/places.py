"""Where people live, and which parts of the country communities serve."""

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
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
    """The first half of a postcode, placed where most of its postcodes lie: approximate by nature.

    ``imd_decile_median`` (England only, 1 = most deprived, halves are possible) and ``rural_urban`` are of generalised
    areas around its postcodes: good for choosing a community, not for figures about equity.
    """

    outcode = models.CharField(primary_key=True, max_length=4)
    local_authority = models.ForeignKey(LocalAuthority, on_delete=models.PROTECT, null=True)
    icb_ods = models.CharField(max_length=10, blank=True)
    country_code = models.CharField(max_length=9)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    imd_decile_median = models.FloatField(null=True)
    rural_urban = models.CharField(max_length=4, blank=True, db_default="")

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("outcode", "local_authority", "icb_ods", "country_code", "latitude", "longitude")
        + ("imd_decile_median", "rural_urban"),
        Privacy.OPEN,
    )

    def __str__(self) -> str:
        return self.outcode


class ExactTextField(models.CharField):  # type: ignore[type-arg]
    """A text that is only ever looked up whole: PostgreSQL gets no second index for searching by its beginning."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return f"character varying({self.max_length})"


class Postcode(models.Model):
    """A postcode of the ONS Postcode Directory (or NSPL): capitals, no space. No keys to other tables: 1.7 million rows.

    Empty is what does not apply there. ``icb_ods`` was a board on the day of the import. ``imd_rank`` is on the scale of
    the postcode's own nation (1 = most deprived), ``imd_decile`` is known for England only. ``rural_urban``: the code of
    the official classification (2021, else 2011). ``terminated_on``: the month (its first day) when it went out of use.
    """

    postcode = ExactTextField(primary_key=True, max_length=7)
    lad_code = models.CharField(max_length=9, blank=True)
    icb_ods = models.CharField(max_length=10, blank=True)
    lsoa21_code = models.CharField(max_length=9, blank=True)
    imd_rank = models.PositiveIntegerField(null=True)
    imd_decile = models.PositiveSmallIntegerField(null=True)
    rural_urban = models.CharField(max_length=4, blank=True)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    country_code = models.CharField(max_length=9)
    terminated_on = models.DateField(null=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("postcode", "lad_code", "icb_ods", "lsoa21_code", "imd_rank", "imd_decile")
        + ("rural_urban", "latitude", "longitude", "country_code", "terminated_on"),
        Privacy.OPEN,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(imd_decile__isnull=True) | Q(imd_decile__range=(1, 10)),
                name="postcode_imd_decile_is_one",
            ),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__isnull=False, longitude__isnull=False),
                name="postcode_position_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return str(self.postcode)


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


class PlaceCode(models.Model):
    """A code under which official files know an area of ours: ONS codes of boards, former codes of authorities."""

    code = models.CharField(primary_key=True, max_length=9)
    area = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="codes")

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("code", "area"), Privacy.OPEN)

    def __str__(self) -> str:
        return self.code


class Edition(models.Model):
    """Which official file the rows of a table are from: ``postcodes``, ``practices``, ``pcns`` or ``icbs``.

    What an operator has imported is newer than what ships with the project, and is not overwritten by it.
    """

    table = models.CharField(primary_key=True, max_length=20)
    name = models.CharField(max_length=100)
    rows = models.PositiveIntegerField()
    imported_at = models.DateTimeField()

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("table", "name", "rows", "imported_at"), Privacy.OPEN)

    def __str__(self) -> str:
        return f"{self.table}: {self.name}"
