"""The figures for machines and spreadsheets: the same shown ones as on the pages, as plain values and as CSV."""

import csv
import io
from typing import Any

from engagement.disclosure import HIDDEN, Shown
from engagement.fairness import WIDEST_GAP, Breakdown, Fairness, Rate
from engagement.measures import STEPS, Funnel, Row
from engagement.unmet import Need, UnmetNeeds

_BEGIN_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")


def as_values(funnel: Funnel) -> dict[str, Any]:
    """Plain values for JSON: a hidden count is null with ``hidden`` true."""
    return {
        **_head(funnel),
        "steps": [step.key for step in STEPS],
        "total": _row(funnel.total),
        "by_month": [_row(row) for row in funnel.by_month],
        "by_practice": [_row(row) for row in funnel.by_practice],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "key": row.key,
        "label": row.label,
        "is_provisional": row.is_provisional,
        "counts": [_count(cell) for cell in row.cells],
        "percentages": list(row.percentages),
    }


def _count(figure: Shown) -> dict[str, Any]:
    return {"value": figure.value, "hidden": figure.value is None}


def _head(figures: Funnel | Fairness | UnmetNeeds) -> dict[str, Any]:
    return {
        "icb": {"ods_code": figures.icb_ods, "name": figures.icb_name},
        "first_month": f"{figures.first_month:%Y-%m}",
        "last_month": f"{figures.last_month:%Y-%m}",
    }


def fairness_as_values(figures: Fairness) -> dict[str, Any]:
    """Plain values for JSON, by version of the matcher."""
    return {
        **_head(figures),
        "widest_gap": WIDEST_GAP,
        "matchers": [
            {
                "version": matcher.version,
                "gaps": len(matcher.gaps),
                "breakdowns": [_breakdown(each) for each in matcher.breakdowns],
            }
            for matcher in figures.matchers
        ],
    }


def _breakdown(breakdown: Breakdown) -> dict[str, Any]:
    return {
        "key": breakdown.dimension.key,
        "reference": str(breakdown.dimension.reference),
        "unknown": _count(breakdown.unknown),
        "percent_unknown": breakdown.percent_unknown,
        "groups": [
            {
                "key": group.key,
                "label": group.label,
                "matched": _count(group.whole),
                "outcomes": [_rate(rate) for rate in group.rates],
            }
            for group in breakdown.groups
        ],
    }


def _rate(rate: Rate) -> dict[str, Any]:
    return {
        "key": rate.outcome.key,
        "count": _count(rate.part),
        "of": _count(rate.whole),
        "percent": rate.percent,
        "reference_percent": rate.others_percent,
        "difference": rate.points,
        "low": rate.low,
        "high": rate.high,
        "verdict": str(rate.verdict),
    }


def unmet_needs_as_values(figures: UnmetNeeds) -> dict[str, Any]:
    """Plain values for JSON."""
    return {
        **_head(figures),
        "by_condition": [_need(need) for need in figures.by_condition],
        "by_place": [
            {**_need(need), "lad_code": need.key, "name": need.name} for need in figures.by_place
        ],
        "by_language": [{**_need(need), "language": need.key} for need in figures.by_language],
    }


def _need(need: Need) -> dict[str, Any]:
    return {
        "condition": need.condition,
        "label": need.condition_label,
        "referrals": _count(need.number),
    }


def as_csv(funnel: Funnel) -> str:
    """One line per row and step, for spreadsheets. Hidden counts read ``[c]``."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["icb", "table", "key", "label", "provisional", "step", "count", "percent_of_issued"]
    )
    tables = {
        "total": (funnel.total,),
        "by_month": funnel.by_month,
        "by_practice": funnel.by_practice,
    }
    for table, table_rows in tables.items():
        for row in table_rows:
            for step, cell, share in zip(STEPS, row.cells, row.percentages, strict=True):
                writer.writerow(
                    [
                        funnel.icb_ods,
                        table,
                        _as_text(row.key),
                        _as_text(row.label),
                        "yes" if row.is_provisional else "no",
                        step.key,
                        HIDDEN if cell.value is None else cell.value,
                        "" if share is None else share,
                    ]
                )
    return text.getvalue()


def _as_text(value: str) -> str:
    """A cell that a spreadsheet cannot take for a formula: OWASP's list, with the wide signs of East Asian keyboards."""
    return f"'{value}" if value.startswith(_BEGIN_FORMULAS) else value
