"""Disclosure control, applied once: what may be shown of a count and of a share. Nothing else may show a figure.

Counts of 1 to 7 are hidden and others rounded to the nearest 5; below ICB level zero is hidden too, because the
difference between "none" and "hidden" tells something. A percentage is worked out from rounded counts only, and only
from 20. Totals are rounded on their own, never added up from shown parts.
"""

from dataclasses import dataclass

SMALLEST_SHOWN = 8
SMALLEST_DENOMINATOR = 20
HIDDEN = "[c]"


@dataclass(frozen=True)
class Shown:
    """A figure fit to be seen: ``value`` is None when it is hidden."""

    value: int | None

    @property
    def text(self) -> str:
        """As it stands in a table."""
        return HIDDEN if self.value is None else f"{self.value:,}"


def shown(count: int, *, is_whole_icb: bool) -> Shown:
    """A count as it may be shown, at ICB level or below."""
    if count < 0:
        raise ValueError("a count cannot be negative")
    if count == 0 and is_whole_icb:
        return Shown(0)
    if count < SMALLEST_SHOWN:
        return Shown(None)
    return Shown(5 * ((count + 2) // 5))


def possible(figure: Shown) -> tuple[int, int]:
    """The least and the most that the count behind a figure can be, where zero is hidden too."""
    if figure.value is None:
        return 0, SMALLEST_SHOWN - 1
    if figure.value == 0:
        return 0, 0
    return max(figure.value - 2, SMALLEST_SHOWN), figure.value + 2


def percentage(part: Shown, whole: Shown) -> int | None:
    """A share in whole per cent from two shown counts, or None when it may not be given."""
    if part.value is None or whole.value is None or whole.value < SMALLEST_DENOMINATOR:
        return None
    return min(100, round(100 * part.value / whole.value))
