"""The funnel for machines and spreadsheets: the same shown figures, as plain values and as CSV."""

import csv
import io
from typing import Any

from engagement.disclosure import HIDDEN
from engagement.measures import STEPS, Funnel, Row

_BEGIN_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")


def as_values(funnel: Funnel) -> dict[str, Any]:
    """Plain values for JSON: a hidden count is null with ``hidden`` true."""
    return {
        "icb": {"ods_code": funnel.icb_ods, "name": funnel.icb_name},
        "first_month": f"{funnel.first_month:%Y-%m}",
        "last_month": f"{funnel.last_month:%Y-%m}",
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
        "counts": [{"value": cell.value, "hidden": cell.value is None} for cell in row.cells],
        "percentages": list(row.percentages),
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
