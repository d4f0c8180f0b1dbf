"""Where somebody lives, as far as matching and figures need it: by full postcode, else roughly by its first half."""

import re
from dataclasses import dataclass

from communities.models import Area, LocalAuthority, Outcode, PlaceCode, Postcode

_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}")
_OUTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?")
_INWARD = 3  # characters of the second half
_NATIONS = {"E": "England", "S": "Scotland", "W": "Wales", "N": "Northern Ireland"}
# 2011: urban A1–C2 (England and Wales), 1–5 (Scotland: towns of 3,000 and more); 2021: U…. The rest is rural.
_URBAN = re.compile(r"U\w+|[ABC][12]|[1-5]")
_RURAL = re.compile(r"R\w+|[DEF][12]|[6-8]")


@dataclass(frozen=True)
class Place:
    """Where somebody lives. ``icb_ods``, ``lad_code`` and ``nation`` are empty where there is none.

    ``imd_decile``: of the Index of Multiple Deprivation, England only, 1 = most deprived. ``rural_urban``: ``rural``,
    ``urban`` or empty. ``is_approximate``: it stands for all of an outcode or area, and is not fit for equity figures.
    """

    lad_code: str
    icb_ods: str
    nation: str
    lsoa_code: str = ""
    imd_decile: int | None = None
    rural_urban: str = ""
    latitude: float | None = None
    longitude: float | None = None
    is_approximate: bool = True


def place_of(postcode: str) -> Place | None:
    """The place of a postcode, or None when it is empty, malformed or unknown."""
    compact = postcode.upper().replace(" ", "")
    if not _POSTCODE.fullmatch(compact):
        return None
    if exact := Postcode.objects.filter(pk=compact).first():
        return Place(
            lad_code=exact.lad_code,
            icb_ods=exact.icb_ods,
            nation=_NATIONS.get(exact.country_code[:1], ""),
            lsoa_code=exact.lsoa21_code,
            imd_decile=exact.imd_decile,
            rural_urban=rural_or_urban(exact.rural_urban),
            latitude=exact.latitude,
            longitude=exact.longitude,
            is_approximate=False,
        )
    outcode = Outcode.objects.filter(pk=compact[:-_INWARD]).first()
    return _around(outcode) if outcode else None


def outcode_of(text: str) -> str:
    """The first half of what looks like a postcode or is one half already; empty for anything else."""
    compact = text.upper().replace(" ", "")
    if _POSTCODE.fullmatch(compact):
        return compact[:-_INWARD]
    return compact if _OUTCODE.fullmatch(compact) else ""


def place_around(outcode: str) -> Place | None:
    """The place of an outcode; None when it is not known, or a whole postcode."""
    found = Outcode.objects.filter(pk=outcode.upper()).first()
    return _around(found) if found else None


def place_at(code: str) -> Place | None:
    """The place of an ICB (ODS or ONS code), a local authority (ONS code) or a nation of the UK by name; None for others."""
    known_as = PlaceCode.objects.select_related("area").filter(pk=code).first()
    areas = Area.objects.exclude(place="nation:UK").filter(place__endswith=f":{code}")
    area = known_as.area if known_as else areas.first()
    if area is None or (known_as is None and area.code != code):
        return None
    if area.kind == "nation":
        return Place(lad_code="", icb_ods="", nation=area.code)
    if area.kind == "icb":
        return Place(lad_code="", icb_ods=area.code, nation="England")
    authority = LocalAuthority.objects.get(pk=area.code)
    return Place(
        lad_code=authority.pk,
        icb_ods=authority.icb_ods,
        nation=_NATIONS.get(authority.pk[:1], ""),
    )


def rural_or_urban(code: str) -> str:
    """``rural``, ``urban`` or empty, of a code of the ONS or Scottish classification."""
    if _URBAN.fullmatch(code):
        return "urban"
    return "rural" if _RURAL.fullmatch(code) else ""


def _around(outcode: Outcode) -> Place:
    """An outcode's place. A median between two deciles counts as the more deprived one."""
    median = outcode.imd_decile_median
    return Place(
        lad_code=outcode.local_authority_id or "",
        icb_ods=outcode.icb_ods,
        nation=_NATIONS.get(outcode.country_code[:1], ""),
        imd_decile=None if median is None else int(median),
        rural_urban=rural_or_urban(outcode.rural_urban),
        latitude=outcode.latitude,
        longitude=outcode.longitude,
    )
