"""Whether the matcher serves groups of people alike: what each was offered and what came of it, against the others.

Everything said here follows from figures that passed disclosure control, so it tells no more than they do: "the others"
are the shown figures of the other groups, never a count of their own, whose difference to the rest would be a hidden one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from math import ceil, floor
from typing import Any

from django.db.models import Count, DateField, Q
from django.db.models.functions import TruncMonth
from django.utils.functional import Promise
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from engagement.disclosure import SMALLEST_DENOMINATOR, Shown, percentage, shown
from engagement.intervals import Z_95, Z_998, Share, difference
from engagement.measures import months_until
from privacy.tenancy import counting_for
from referrals.groups import AgeBand, EthnicGroup, LanguageGroup, Rurality, Sex
from referrals.lifecycle import BusinessStatus
from referrals.models import FirstMatch

# Percentage points. The aim is 3 at most between the least and the most deprived fifth; but of a few hundred people, in
# counts to the nearest 5, less than 5 points cannot be told from none, and an alarm that rings for nothing is not heard.
WIDEST_GAP = 5


class Verdict(StrEnum):
    """What is said of a group's share beside that which it is compared with.

    A gap is more than WIDEST_GAP points below and below beyond 99.8 % confidence: some 80 comparisons are made at once,
    and of so many that differ by nothing but chance two would be below beyond 95 %. Those are possible gaps.
    """

    REFERENCE = "reference"
    TOO_FEW = "too-few"
    NO_GAP = "no-gap-found"
    POSSIBLE_GAP = "possible-gap"
    GAP = "gap"


@dataclass(frozen=True)
class Outcome:
    """Something that should happen to all groups alike: ``key`` counts those it happened to, ``of`` those it could."""

    key: str
    of: str
    label: str | Promise


OUTCOMES = (
    Outcome("offered", "matched", _("Offered a community")),
    Outcome("offered_two", "matched", _("Offered two or more")),
    Outcome("chose", "offered", _("Chose one, of those offered")),
    Outcome("joined", "offered", _("Joined, of those offered")),
)


@dataclass(frozen=True)
class Dimension:
    """A column of FirstMatch and its groups. Each is compared with ``reference``, or with all others where it is empty."""

    key: str
    label: str | Promise
    groups: Mapping[Any, str | Promise]
    reference: Any = ""


DIMENSIONS = (
    Dimension(
        "imd_quintile",
        _("Deprivation of the area"),
        {
            1: _("1, most deprived fifth"),
            2: "2",
            3: "3",
            4: "4",
            5: _("5, least deprived fifth"),
        },
        reference=5,
    ),
    Dimension("ethnic_group", _("Ethnic group"), dict(EthnicGroup.choices)),
    Dimension("sex", _("Sex"), dict(Sex.choices)),
    Dimension("age_band", _("Age"), dict(AgeBand.choices)),
    Dimension("rurality", _("Rural or urban area"), dict(Rurality.choices)),
    Dimension("language", _("Preferred language"), dict(LanguageGroup.choices)),
)


@dataclass(frozen=True)
class Rate:
    """One outcome of one group. Percentages and points are whole; ``low`` and ``high`` hold 95 % of the difference."""

    outcome: Outcome
    part: Shown
    whole: Shown
    percent: int | None
    others_percent: int | None
    low: int | None
    high: int | None
    verdict: Verdict

    @property
    def points(self) -> int | None:
        """How far the group is above the others, or below."""
        if self.percent is None or self.others_percent is None:
            return None
        return self.percent - self.others_percent


@dataclass(frozen=True)
class Group:
    """One group and its outcomes in the order of OUTCOMES; ``whole`` are those who were matched."""

    key: str
    label: str
    whole: Shown
    rates: tuple[Rate, ...]


@dataclass(frozen=True)
class Breakdown:
    """The groups of one dimension, and of how many people it is not known which they belong to."""

    dimension: Dimension
    groups: tuple[Group, ...]
    unknown: Shown
    percent_unknown: int | None


@dataclass(frozen=True)
class Matcher:
    """What one version of the matcher did."""

    version: str
    breakdowns: tuple[Breakdown, ...]

    @property
    def gaps(self) -> tuple[tuple[Breakdown, Group, Rate], ...]:
        """Where a group is behind: what somebody has to look into."""
        return tuple(
            (breakdown, group, rate)
            for breakdown in self.breakdowns
            for group in breakdown.groups
            for rate in group.rates
            if rate.verdict is Verdict.GAP
        )


@dataclass(frozen=True)
class Fairness:
    """Every version of the matcher that judged a referral issued in the last twelve calendar months, newest name first."""

    icb_ods: str
    icb_name: str
    first_month: date
    last_month: date
    matchers: tuple[Matcher, ...]


Counts = Mapping[Any, Counter[str]]


def fairness(*, icb: Organisation | None, at: datetime) -> Fairness:
    """Of one ICB; of everybody without one, which takes a caller who reaches everybody's rows.

    A referral counts for the matcher that judged it first, whatever it was offered later.
    """
    last_month = localdate(at).replace(day=1)
    months = months_until(last_month)
    with counting_for(icb.pk) if icb else nullcontext():
        rows = _counted(icb, months)
    versions = sorted({row["matcher_version"] for row in rows}, reverse=True)
    return Fairness(
        icb_ods=(icb.ods_code or "") if icb else "",
        icb_name=icb.name if icb else "",
        first_month=months[0],
        last_month=last_month,
        matchers=tuple(
            Matcher(version, _breakdowns(row for row in rows if row["matcher_version"] == version))
            for version in versions
        ),
    )


def _counted(icb: Organisation | None, months: list[date]) -> list[dict[str, Any]]:
    """One row for each combination of groups: exact counts, which go no further than ``_breakdowns``."""
    firsts = FirstMatch.objects.exclude(
        referral__business_status=BusinessStatus.ENTERED_IN_ERROR
    ).annotate(month=TruncMonth("referral__issued_at", output_field=DateField()))
    if icb:
        firsts = firsts.filter(referral__icb=icb)
    was_offered = Q(offered__gte=1)
    return list(
        firsts.filter(month__gte=months[0], month__lte=months[-1])
        .order_by()
        .values("matcher_version", *(dimension.key for dimension in DIMENSIONS))
        .annotate(
            n_matched=Count("pk"),
            n_offered=Count("pk", filter=was_offered),
            n_offered_two=Count("pk", filter=Q(offered__gte=2)),
            n_chose=Count("pk", filter=was_offered & Q(referral__chose_at__isnull=False)),
            n_joined=Count("pk", filter=was_offered & Q(referral__joined_at__isnull=False)),
        )
    )


def _breakdowns(rows: Iterable[dict[str, Any]]) -> tuple[Breakdown, ...]:
    found = list(rows)
    return tuple(_breakdown(dimension, found) for dimension in DIMENSIONS)


def _breakdown(dimension: Dimension, rows: list[dict[str, Any]]) -> Breakdown:
    counts: dict[Any, Counter[str]] = {key: Counter() for key in (*dimension.groups, "")}
    for row in rows:
        key = row[dimension.key] or ""
        counts[key].update({name[2:]: n for name, n in row.items() if name.startswith("n_")})
    figures = {
        key: {name: _shown(counts[key][name]) for name in ("matched", *(o.key for o in OUTCOMES))}
        for key in counts
    }
    unknown = figures.pop("")["matched"]
    return Breakdown(
        dimension=dimension,
        groups=tuple(
            Group(
                key=str(key),
                label=str(label),
                whole=figures[key]["matched"],
                rates=tuple(_rate(outcome, key, dimension, figures) for outcome in OUTCOMES),
            )
            for key, label in dimension.groups.items()
        ),
        unknown=unknown,
        percent_unknown=_percent_unknown(unknown, [each["matched"] for each in figures.values()]),
    )


def _shown(count: int) -> Shown:
    # Zero is hidden although these are figures of a whole ICB: "none of this group" would be about each of them.
    return shown(count, is_whole_icb=False)


def _percent_unknown(unknown: Shown, known: list[Shown]) -> int | None:
    whole = (unknown.value or 0) + sum(each.value or 0 for each in known)
    return percentage(unknown, Shown(whole))


def _rate(
    outcome: Outcome, key: Any, dimension: Dimension, figures: Mapping[Any, Mapping[str, Shown]]
) -> Rate:
    pairs = {group: (each[outcome.key], each[outcome.of]) for group, each in figures.items()}
    part, whole = pairs[key]
    others = [
        pair
        for group, pair in pairs.items()
        if group != key and group == (dimension.reference or group)
    ]
    verdict, others_percent, low, high = Verdict.REFERENCE, None, None, None
    if key != dimension.reference:
        verdict = Verdict.TOO_FEW
        if _is_enough([(part, whole)]) and _is_enough(others):
            group, rest = Share.of([(part, whole)]), Share.of(others)
            others_percent = round(100 * rest.middle)
            least, most = difference(group, rest, z=Z_95)
            low, high = floor(100 * least), ceil(100 * most)
            verdict = _verdict(group, rest)
    return Rate(outcome, part, whole, percentage(part, whole), others_percent, low, high, verdict)


def _is_enough(pairs: list[tuple[Shown, Shown]]) -> bool:
    return sum(whole.value or 0 for _part, whole in pairs) >= SMALLEST_DENOMINATOR


def _verdict(group: Share, others: Share) -> Verdict:
    if 100 * (others.middle - group.middle) <= WIDEST_GAP:
        return Verdict.NO_GAP
    for z, verdict in ((Z_998, Verdict.GAP), (Z_95, Verdict.POSSIBLE_GAP)):
        if difference(group, others, z=z)[1] < 0:
            return verdict
    return Verdict.NO_GAP
