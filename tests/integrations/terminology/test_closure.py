"""What falls under what, beside a slow and obvious way to work it out."""

import random

import pytest

from integrations.terminology.closure import Circular, ancestors_of


def slowly(parents: dict[int, list[int]], concept: int) -> set[int]:
    above = set(parents.get(concept, ()))
    return above.union(*(slowly(parents, parent) for parent in above))


@pytest.mark.parametrize("seed", range(20))
def test_everything_above_is_found_once(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    numbers = dice.sample(range(1000), 60)
    parents = {
        number: dice.sample(numbers[:place], min(place, dice.randint(1, 3)))
        for place, number in enumerate(numbers)
        if place
    }

    found = ancestors_of(parents)

    assert {concept: list(above) for concept, above in found.items()} == {
        concept: sorted(slowly(parents, concept)) for concept in numbers
    }


def test_a_deep_hierarchy_needs_no_deep_stack() -> None:
    found = ancestors_of({number: [number - 1] for number in range(3000, 0, -1)})

    assert list(found[3000]) == list(range(3000))


def test_every_circle_is_found_beside_what_is_none() -> None:
    parents = {1: [2], 2: [3], 3: [1, 9], 4: [1], 5: [6], 6: [5], 7: [7], 8: [9]}

    with pytest.raises(Circular) as refused:
        ancestors_of(parents)

    assert [set(circle) for circle in refused.value.args[0]] == [{1, 2, 3}, {5, 6}, {7}]
