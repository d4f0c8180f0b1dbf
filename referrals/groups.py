"""The coarse groups by which it is judged whether people are served alike: codes, and how they follow from a patient."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from communities.places import Place


class Sex(models.TextChoices):
    """FHIR's administrative genders, but for the unknown one."""

    FEMALE = "female", _("Female")
    MALE = "male", _("Male")
    OTHER = "other", _("Other")


class AgeBand(models.TextChoices):
    """Whole years on the day of matching, in bands of our own."""

    TO_17 = "0-17", _("Under 18")
    TO_34 = "18-34", _("18 to 34")
    TO_49 = "35-49", _("35 to 49")
    TO_64 = "50-64", _("50 to 64")
    FROM_65 = "65-", _("65 and over")


class Rurality(models.TextChoices):
    """As ``communities.places.rural_or_urban`` says."""

    RURAL = "rural", _("Rural")
    URBAN = "urban", _("Urban")


class LanguageGroup(models.TextChoices):
    """The patient's preferred language."""

    ENGLISH = "en", _("English")
    OTHER = "other", _("Another language")


class EthnicGroup(models.TextChoices):
    """The broad groups under which the 16 ethnic categories of the NHS stand."""

    WHITE = "white", _("White")
    MIXED = "mixed", _("Mixed")
    ASIAN = "asian", _("Asian or Asian British")
    BLACK = "black", _("Black or Black British")
    OTHER = "other", _("Other ethnic groups")


# CodeSystem UKCore-EthnicCategoryEngland 1.0.0. "Z" (not stated) and "99" (not known) are in no group.
ETHNIC_GROUPS = {
    **dict.fromkeys("ABC", EthnicGroup.WHITE),
    **dict.fromkeys("DEFG", EthnicGroup.MIXED),
    **dict.fromkeys("HJKL", EthnicGroup.ASIAN),
    **dict.fromkeys("MNP", EthnicGroup.BLACK),
    **dict.fromkeys("RS", EthnicGroup.OTHER),
}
_LAST_YEARS = {17: AgeBand.TO_17, 34: AgeBand.TO_34, 49: AgeBand.TO_49, 64: AgeBand.TO_64}


def age_band_of(age: int) -> AgeBand:
    """The band of an age in whole years."""
    return next((band for last, band in _LAST_YEARS.items() if age <= last), AgeBand.FROM_65)


def language_group_of(tag: str) -> str:
    """Of a BCP 47 tag; empty when there is none."""
    if not tag:
        return ""
    is_english = tag.partition("-")[0].lower() == "en"
    return LanguageGroup.ENGLISH if is_english else LanguageGroup.OTHER


def imd_quintile_of(place: Place | None) -> int | None:
    """1 = most deprived fifth of England; None without a full postcode, which alone tells, and outside England."""
    if place is None or place.is_approximate or place.imd_decile is None:
        return None
    return (place.imd_decile + 1) // 2


def rurality_of(place: Place | None) -> str:
    """Empty without a full postcode, which alone tells."""
    return "" if place is None or place.is_approximate else place.rural_urban
