"""The commissioner's funnel: counted in one query layer, passed through disclosure control, the same for every face."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, DateField, QuerySet
from django.db.models.functions import TruncMonth
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation
from engagement.disclosure import Shown, percentage, shown
from privacy.tenancy import counting_for
from referrals.inviting import LINK_LIFE
from referrals.lifecycle import BusinessStatus
from referrals.models import Referral

MONTHS_SHOWN = 12


@dataclass(frozen=True)
class Step:
    """A step of the funnel: ``milestone`` is the referral's column that says when it was reached."""

    key: str
    label: str | Promise
    milestone: str


STEPS = (
    Step("issued", gettext_lazy("Issued"), "issued_at"),
    Step("delivered", gettext_lazy("Message delivered"), "delivered_at"),
    Step("opened", gettext_lazy("Link opened"), "opened_at"),
    Step("chose", gettext_lazy("Chose a community"), "chose_at"),
    Step("joined", gettext_lazy("Joined"), "joined_at"),
    Step("active", gettext_lazy("Active"), "active_at"),
)


@dataclass(frozen=True)
class Row:
    """One line of figures: shown counts in the order of STEPS, and the share of those issued."""

    key: str
    label: str
    cells: tuple[Shown, ...]
    is_provisional: bool = False

    @property
    def percentages(self) -> tuple[int | None, ...]:
        """Each step as a share of those issued."""
        return tuple(percentage(cell, self.cells[0]) for cell in self.cells)


@dataclass(frozen=True)
class Funnel:
    """The funnel of one ICB over the last twelve calendar months, by month and by practice."""

    icb_ods: str
    icb_name: str
    first_month: date
    last_month: date
    total: Row
    by_month: tuple[Row, ...]
    by_practice: tuple[Row, ...]


def funnel(*, icb: Organisation, at: datetime) -> Funnel:
    """Count the referrals issued in the last twelve months, by how far they have come. Months are London's.

    A draft is no referral yet, and what was entered in error never was one.
    """
    last_month = localdate(at).replace(day=1)
    months = months_until(last_month)
    referrals = (
        Referral.objects.filter(icb=icb)
        .exclude(business_status=BusinessStatus.ENTERED_IN_ERROR)
        .annotate(month=TruncMonth("issued_at", output_field=DateField()))
        .filter(month__gte=months[0], month__lte=last_month)
    )
    with counting_for(icb.pk):
        return Funnel(
            icb_ods=icb.ods_code or "",
            icb_name=icb.name,
            first_month=months[0],
            last_month=last_month,
            total=_row(
                "total",
                _("All referrals"),
                next(iter(_counts(referrals, "icb")), {}),
                is_whole_icb=True,
            ),
            by_month=_by_month(referrals, months, localdate(at)),
            by_practice=_by_practice(referrals),
        )


def months_until(last: date) -> list[date]:
    """The first days of the twelve calendar months that end with ``last``."""
    count = last.year * 12 + last.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(count - MONTHS_SHOWN + 1, count + 1)]


def _counts(referrals: QuerySet[Referral], *group: str) -> list[dict[str, Any]]:
    reached = {step.key: Count(step.milestone) for step in STEPS}
    return list(referrals.order_by().values(*group).annotate(**reached).order_by(*group))


def _is_provisional(month: date, today: date) -> bool:
    """Whether somebody referred in that month may still hold an unused link."""
    next_month = (month + timedelta(days=31)).replace(day=1)
    return next_month + LINK_LIFE > today


def _by_month(referrals: QuerySet[Referral], months: list[date], today: date) -> tuple[Row, ...]:
    found = {row["month"]: row for row in _counts(referrals, "month")}
    return tuple(
        _row(
            month.isoformat()[:7],
            date_format(month, "F Y"),
            found.get(month, {}),
            is_whole_icb=True,
            is_provisional=_is_provisional(month, today),
        )
        for month in months
    )


def _by_practice(referrals: QuerySet[Referral]) -> tuple[Row, ...]:
    """Practices with enough referrals to show. One that is not listed has few or none, and nobody can tell which."""
    found = _counts(referrals, "practice__name", "practice__ods_code")
    rows = [
        _row(str(row["practice__ods_code"]), str(row["practice__name"]), row, is_whole_icb=False)
        for row in found
    ]
    return tuple(row for row in rows if row.cells[0].value is not None)


def _row(
    key: str,
    label: str,
    counts: dict[str, int],
    *,
    is_whole_icb: bool,
    is_provisional: bool = False,
) -> Row:
    cells = tuple(shown(counts.get(step.key, 0), is_whole_icb=is_whole_icb) for step in STEPS)
    return Row(key, label, cells, is_provisional)
