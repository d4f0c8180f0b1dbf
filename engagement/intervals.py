"""Intervals of confidence for shares and for how far two of them differ, from exact counts or from shown ones.

One share: Wilson's score interval (Wilson 1927; Newcombe, Statistics in Medicine 1998;17:857-872). The difference of
two: Newcombe's hybrid of both (Newcombe, Statistics in Medicine 1998;17:873-890, method 10).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from math import sqrt

from engagement.disclosure import Shown, possible

Z_95 = 1.959964  # standard normal deviates: 95 % and 99.8 % lie within
Z_998 = 3.090232


@dataclass(frozen=True)
class Share:
    """A share of which only the shown figures are known: the least and the most that its two counts can be."""

    part: tuple[int, int]
    whole: tuple[int, int]

    @classmethod
    def of(cls, figures: Iterable[tuple[Shown, Shown]]) -> "Share":
        """All the groups together whose ``figures`` these are, each part and whole."""
        pairs = [(possible(part), possible(whole)) for part, whole in figures]
        return cls(_sum(part for part, _ in pairs), _sum(whole for _, whole in pairs))

    @property
    def middle(self) -> float:
        """The share as the middles of the ranges have it, from 0 to 1."""
        return min(1.0, sum(self.part) / sum(self.whole)) if sum(self.whole) else 0.0

    @property
    def corners(self) -> set[tuple[int, int]]:
        """The extreme pairs of counts, part and whole, that may stand behind it."""
        return {(min(part, whole), whole) for part, whole in product(self.part, self.whole)}


def wilson(part: int, whole: int, *, z: float) -> tuple[float, float]:
    """The interval of one share, from 0 to 1. Nothing is known of a share of nobody."""
    if not whole:
        return 0.0, 1.0
    share, spread = part / whole, z * z / whole
    centre = (share + spread / 2) / (1 + spread)
    reach = sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def newcombe(first: tuple[int, int], second: tuple[int, int], *, z: float) -> tuple[float, float]:
    """The interval of the first share less the second, from -1 to 1; each is part and whole of exact counts."""
    (low_1, high_1), (low_2, high_2) = wilson(*first, z=z), wilson(*second, z=z)
    share_1, share_2 = first[0] / first[1], second[0] / second[1]
    between = share_1 - share_2
    return (
        max(-1.0, between - sqrt((share_1 - low_1) ** 2 + (high_2 - share_2) ** 2)),
        min(1.0, between + sqrt((high_1 - share_1) ** 2 + (share_2 - low_2) ** 2)),
    )


def difference(first: Share, second: Share, *, z: float) -> tuple[float, float]:
    """The widest of the intervals of all counts that may stand behind the two: it tells no more than what is shown."""
    found = [newcombe(one, other, z=z) for one, other in product(first.corners, second.corners)]
    return min(low for low, _ in found), max(high for _, high in found)


def _sum(ranges: Iterable[tuple[int, int]]) -> tuple[int, int]:
    least, most = 0, 0
    for low, high in ranges:
        least, most = least + low, most + high
    return least, most
