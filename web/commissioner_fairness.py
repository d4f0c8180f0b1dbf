"""The commissioner's page about fairness: how groups of people were served, and what nobody could offer."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from engagement.fairness import OUTCOMES, WIDEST_GAP, Breakdown, Group, Matcher, Rate, Verdict
from engagement.reading import read_fairness, read_unmet_needs
from engagement.unmet import Need
from web import words
from web.commissioner import asked_by, period_label

_VERDICTS = {
    Verdict.REFERENCE: _("Reference"),
    Verdict.TOO_FEW: _("Too few"),
    Verdict.NO_GAP: "",
    Verdict.POSSIBLE_GAP: _("Possible gap"),
    Verdict.GAP: _("Behind"),
}


@never_cache
@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Groups of people beside each other, and the register of unmet need, for one ICB of the person's."""
    asked = asked_by(request, address="commissioner-fairness")
    if asked is None:
        return render(request, "commissioner/empty.html")
    figures = read_fairness(icb=asked.icb, by=asked.by, at=asked.at)
    needs = read_unmet_needs(icb=asked.icb, by=asked.by, at=asked.at)
    query = asked.context["icb_query"]
    context = {
        **asked.context,
        "icb_name": figures.icb_name,
        "period_label": period_label(figures.first_month, figures.last_month),
        "outcomes": [outcome.label for outcome in OUTCOMES],
        "widest_gap": WIDEST_GAP,
        "matchers": [_matcher(matcher) for matcher in figures.matchers],
        "needs": {
            "by_condition": [(each, "") for each in needs.by_condition],
            "by_place": [(each, each.name or _("Not known")) for each in needs.by_place],
            "by_language": [(each, _language(each)) for each in needs.by_language],
        },
        "fairness_url": f"{reverse('api-fairness')}?{query}",
        "needs_url": f"{reverse('api-unmet-need')}?{query}",
    }
    return render(request, "commissioner/fairness.html", context)


def _language(need: Need) -> str:
    return words.language(need.key) if need.key else str(_("Not known"))


def _matcher(matcher: Matcher) -> dict[str, Any]:
    return {
        "version": matcher.version,
        "gaps": [
            {"dimension": breakdown.dimension.label, "group": group.label, "rate": rate}
            for breakdown, group, rate in matcher.gaps
        ],
        "breakdowns": [_breakdown(each) for each in matcher.breakdowns],
    }


def _breakdown(breakdown: Breakdown) -> dict[str, Any]:
    return {
        "key": breakdown.dimension.key,
        "label": breakdown.dimension.label,
        "unknown": breakdown.unknown,
        "percent_unknown": breakdown.percent_unknown,
        "groups": [_group(group) for group in breakdown.groups],
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "label": group.label,
        "whole": group.whole,
        "cells": [(rate, _between(rate), _VERDICTS[rate.verdict]) for rate in group.rates],
    }


def _between(rate: Rate) -> str:
    """The 95% interval of the difference, in points."""
    return "" if rate.low is None else f"{_signed(rate.low)} … {_signed(rate.high or 0)}"


def _signed(points: int) -> str:
    return f"{points:+}".replace("-", "\N{MINUS SIGN}")
