"""The commissioner's page."""

from dataclasses import dataclass
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

from accounts.actors import commissioner_actor, icbs_of
from accounts.models import User
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


@never_cache
@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """From referral to joining, for one ICB of the person's."""
    user = request.user
    icbs = icbs_of(user) if isinstance(user, User) else []
    if not (isinstance(user, User) and icbs):
        return render(request, "commissioner/empty.html")
    now = timezone.now()
    asked = request.GET.get("icb", "")
    icb = icb_asked_for(asked, among=icbs, by=user, at=now, address="commissioner-funnel")
    if icb is None:
        raise Http404
    figures = read_funnel(icb=icb, by=commissioner_actor(user, icb=icb), at=now)
    query = urlencode({"icb": icb.ods_code})
    context = {
        "report": _report(figures),
        "counted_on": now,
        "icbs": [(icb.ods_code, icb.name) for icb in icbs],
        "selected_icb": icb.ods_code,
        "csv_url": f"{reverse('commissioner-funnel-csv')}?{query}",
        "json_url": f"{reverse('api-funnel')}?{query}",
    }
    return render(request, "commissioner/funnel.html", context)


def _report(figures: Funnel) -> dict[str, Any]:
    return {
        "icb_name": figures.icb_name,
        "period_label": _("%(first)s to %(last)s")
        % {
            "first": date_format(figures.first_month, "F Y"),
            "last": date_format(figures.last_month, "F Y"),
        },
        "steps": [step.label for step in STEPS],
        "total": _line(figures.total),
        "by_month": [_line(row) for row in figures.by_month],
        "by_practice": [_line(row) for row in figures.by_practice],
    }


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
