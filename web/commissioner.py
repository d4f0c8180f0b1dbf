"""The commissioner's first page, and whose figures a page of theirs shows."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.actors import Actor, commissioner_actor, icbs_of
from accounts.models import Organisation, User
from engagement.disclosure import Shown
from engagement.measures import STEPS, Funnel, Row
from engagement.reading import icb_asked_for, read_funnel


@dataclass(frozen=True)
class Cell:
    """One figure of the page, and how long its bar is in per cent of the first."""

    text: str
    is_hidden: bool
    percent_text: str
    bar: int | None


@dataclass(frozen=True)
class Line:
    """One line of the page."""

    label: str
    is_provisional: bool
    cells: list[Cell]


@dataclass(frozen=True)
class Asked:
    """The ICB that a page is about, for whom and when; ``icbs`` are all that the person may choose from."""

    icb: Organisation
    icbs: list[Organisation]
    by: Actor
    at: datetime

    @property
    def context(self) -> dict[str, Any]:
        """What the choice of the ICB needs."""
        return {
            "counted_on": self.at,
            "icbs": [(icb.ods_code, icb.name) for icb in self.icbs],
            "selected_icb": self.icb.ods_code,
            "icb_query": urlencode({"icb": self.icb.ods_code or ""}),
        }


def asked_by(request: HttpRequest, *, address: str) -> Asked | None:
    """What is asked for; None for somebody who has no ICB. Raises Http404 for another's."""
    user = request.user
    icbs = icbs_of(user) if isinstance(user, User) else []
    if not (isinstance(user, User) and icbs):
        return None
    now = timezone.now()
    icb = icb_asked_for(request.GET.get("icb", ""), among=icbs, by=user, at=now, address=address)
    if icb is None:
        raise Http404
    return Asked(icb, icbs, commissioner_actor(user, icb=icb), now)


@never_cache
@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """From referral to joining, for one ICB of the person's."""
    asked = asked_by(request, address="commissioner-funnel")
    if asked is None:
        return render(request, "commissioner/empty.html")
    figures = read_funnel(icb=asked.icb, by=asked.by, at=asked.at)
    query = asked.context["icb_query"]
    context = {
        **asked.context,
        "report": _report(figures),
        "csv_url": f"{reverse('commissioner-funnel-csv')}?{query}",
        "json_url": f"{reverse('api-funnel')}?{query}",
    }
    return render(request, "commissioner/funnel.html", context)


def _report(figures: Funnel) -> dict[str, Any]:
    return {
        "icb_name": figures.icb_name,
        "period_label": period_label(figures.first_month, figures.last_month),
        "steps": [step.label for step in STEPS],
        "total": _line(figures.total),
        "by_month": [_line(row) for row in figures.by_month],
        "by_practice": [_line(row) for row in figures.by_practice],
    }


def period_label(first: date, last: date) -> str:
    """From month to month, in words."""
    months = {"first": date_format(first, "F Y"), "last": date_format(last, "F Y")}
    return _("%(first)s to %(last)s") % months


def _line(row: Row) -> Line:
    first = row.cells[0]
    cells = [
        Cell(
            text=cell.text,
            is_hidden=cell.value is None,
            percent_text="" if share is None else f"{share}%",
            bar=_bar(cell, first),
        )
        for cell, share in zip(row.cells, row.percentages, strict=True)
    ]
    return Line(row.label, row.is_provisional, cells)


def _bar(cell: Shown, first: Shown) -> int | None:
    if cell.value is None or not first.value:
        return None
    return min(100, round(100 * cell.value / first.value))
