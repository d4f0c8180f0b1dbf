"""What falls under what: the transitive closure of a hierarchy."""

from array import array
from collections.abc import Mapping, Sequence


class Circular(Exception):
    """A hierarchy has concepts that fall under themselves; the argument lists each circle, from below upwards."""


def ancestors_of(parents: Mapping[int, Sequence[int]]) -> dict[int, Sequence[int]]:
    """Everything above each concept that stands in ``parents`` or is a parent, in ascending order, without itself.

    Needs eight bytes for each pair, and for every concept a little more. Raises Circular.
    """
    done: dict[int, Sequence[int]] = {}
    circles: list[list[int]] = []
    for start in parents:
        way = [] if start in done else [start]
        while way:
            concept = way[-1]
            waiting = _next_above(parents.get(concept, ()), done)
            if waiting is None:
                done.setdefault(concept, _union(parents.get(concept, ()), done))
                way.pop()
            elif waiting in way:
                circles.append(way[way.index(waiting) :])
                done[waiting] = array("q")  # to go on, and find the others
            else:
                way.append(waiting)
    if circles:
        raise Circular(circles)
    return done


def _next_above(above: Sequence[int], done: Mapping[int, Sequence[int]]) -> int | None:
    return next((parent for parent in above if parent not in done), None)


def _union(above: Sequence[int], done: Mapping[int, Sequence[int]]) -> Sequence[int]:
    return array("q", sorted({*above}.union(*(done[parent] for parent in above))))
