"""What the figures on fairness are counted from: coarse groups and what the matcher did, nothing that names anybody."""

from django.db import models
from django.db.models import Q

from privacy.classes import Privacy
from privacy.row_security import owned_through
from referrals.groups import AgeBand, EthnicGroup, LanguageGroup, Rurality, Sex
from referrals.models.referral import Referral


class FirstMatch(models.Model):
    """How many communities the patient of a referral was offered when it was first matched, and by which matcher.

    The patient is in it as groups only, each empty where it is not known (``imd_quintile``: 1 = most deprived fifth of
    England). Never changed: what a later match offers follows from what communities did since.
    """

    referral = models.OneToOneField(
        Referral, on_delete=models.PROTECT, primary_key=True, related_name="first_match"
    )
    matcher_version = models.CharField(max_length=20)
    offered = models.PositiveSmallIntegerField()
    imd_quintile = models.PositiveSmallIntegerField(null=True)
    rurality = models.CharField(max_length=5, blank=True, choices=Rurality.choices)
    age_band = models.CharField(max_length=5, choices=AgeBand.choices)
    sex = models.CharField(max_length=6, blank=True, choices=Sex.choices)
    language = models.CharField(max_length=5, blank=True, choices=LanguageGroup.choices)
    ethnic_group = models.CharField(max_length=5, blank=True, choices=EthnicGroup.choices)

    TENANCY = owned_through(
        "referral_id",
        "referrals_referral",
        "practice_id",
        readable="EXISTS (SELECT FROM referrals_referral r WHERE r.id = referral_id"
        " AND r.icb_id = (SELECT app_icb()))",
    )
    PRIVACY = {
        "referral": Privacy.PSEUDONYM,
        "matcher_version": Privacy.OPEN,
        **dict.fromkeys(("offered", "imd_quintile", "rurality", "age_band"), Privacy.SENSITIVE),
        **dict.fromkeys(("sex", "language", "ethnic_group"), Privacy.SENSITIVE),
    }

    class Meta:
        verbose_name_plural = "first matches"
        constraints = [
            models.CheckConstraint(
                condition=(Q(imd_quintile__isnull=True) | Q(imd_quintile__range=(1, 5)))
                & Q(age_band__in=AgeBand.values)
                & Q(sex__in=["", *Sex.values])
                & Q(rurality__in=["", *Rurality.values])
                & Q(language__in=["", *LanguageGroup.values])
                & Q(ethnic_group__in=["", *EthnicGroup.values]),
                name="first_match_known_groups",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.referral_id}: {self.offered} by {self.matcher_version}"
