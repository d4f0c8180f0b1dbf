"""How long matching takes as the directory grows, beside a control that loads and judges every community.

``BENCH_DATABASE_URL=postgres://… python -m benchmarks.matching [--sizes 100,1000,10000,100000] [--needs 200]`` makes a
database of its own beside the named one and removes it; without the variable SQLite in memory is measured. Writes CSV to
``benchmarks/results/`` and draws the growth. Times depend on the machine: the ratio to the control, measured in the same
run, is what counts. Product and control must offer the same.
"""

import argparse
import csv
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from accounts.models import Organisation, OrganisationKind
from benchmarks.report import RESULTS
from communities.candidates import as_candidate, candidates
from communities.judged import keep_judged
from communities.loading import load_reference
from communities.matching.candidate import Candidate
from communities.matching.need import HOURS, Need
from communities.matching.ranking import rank
from communities.models import Area, Community, Condition, Outcode
from communities.places import place_of

_DAY = date(2026, 11, 1)
_AT_ONCE = 2_000
_JUDGED_BY_CONTROL = 3_000  # communities, if need be for one need: it is slow
_MOST = 3
# Where communities serve people, of a hundred: made up.
_REACH = {"nation:UK": 12, "nation": 8, "icb": 30, "lad": 40, "circle": 10}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One size: milliseconds for a need, for a need that is kept, and for the control."""

    communities: int
    judged: float
    p50: float
    p95: float
    kept_p50: float
    kept_p95: float
    per_second: float
    control_p50: float

    @property
    def ratio(self) -> float:
        """How many times as long the control takes."""
        return self.control_p50 / self.p50


def main() -> int:
    """Measure each size; ends when product and control differ."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--sizes", default="100,1000,10000,100000")
    reader.add_argument("--needs", type=int, default=200)
    wanted = reader.parse_args()
    connection.creation.create_test_db(verbosity=0)
    try:
        load_reference(at=datetime.now(UTC))
        growth = list(_measure([int(size) for size in wanted.sizes.split(",")], wanted.needs))
    finally:
        connection.creation.destroy_test_db("", verbosity=0)
    _keep(growth)
    for line in _drawn(growth):
        _say(line)
    return 0


def _measure(sizes: list[int], needs: int) -> Iterator[Measured]:
    dice = random.Random(1)  # noqa: S311  (not a secret)
    asked = [_need(dice) for _ in range(needs)]
    there = 0
    for size in sizes:
        _fill(size - there, dice)
        there = size
        one = _measured(size, asked)
        _say(
            f"{connection.vendor}, {size} communities: {one.judged:.0f} judged;"
            f" p50 / p95 {one.p50:.1f} / {one.p95:.1f} ms,"
            f" kept {one.kept_p50:.1f} / {one.kept_p95:.1f} ms, {one.per_second:.0f}/s;"
            f" control p50 {one.control_p50:.0f} ms, × {one.ratio:.1f}"
        )
        yield one


def _measured(size: int, asked: list[Need]) -> Measured:
    compared = asked[: min(3, max(1, _JUDGED_BY_CONTROL // size))]
    control = sorted(_compared(need) for need in compared)
    judged = [len(candidates(need, on=_DAY)) for need in asked]
    alone = sorted(_milliseconds(partial(_offered, need)) for need in asked)
    kept = sorted(_milliseconds(partial(_kept, need)) for need in asked)
    return Measured(
        communities=size,
        judged=sum(judged) / len(judged),
        p50=_percentile(alone, 50),
        p95=_percentile(alone, 95),
        kept_p50=_percentile(kept, 50),
        kept_p95=_percentile(kept, 95),
        per_second=1000 * len(alone) / sum(alone),
        control_p50=_percentile(control, 50),
    )


def _offered(need: Need) -> list[str]:
    return _best(need, candidates(need, on=_DAY))


def _kept(need: Need) -> None:
    judged = candidates(need, on=_DAY)
    rank(need, judged)
    keep_judged(judged)


def _control(need: Need) -> list[str]:
    """Every listed community, a batch at a time so that memory holds them."""
    everything: QuerySet[Community] = (
        Community.objects.listed_on(_DAY)
        .select_related("host", "capacity")
        .prefetch_related("conditions", "areas", "practices")
    )
    rows = everything.iterator(chunk_size=_AT_ONCE)
    return _best(need, [as_candidate(row, on=_DAY) for row in rows])


def _best(need: Need, judged: list[Candidate]) -> list[str]:
    return [offer.community_id for offer in rank(need, judged).offers[:_MOST]]


def _compared(need: Need) -> float:
    """The milliseconds that the control takes. It must offer the same."""
    found: list[list[str]] = []
    took = _milliseconds(lambda: found.append(_control(need)))
    if found != [_offered(need)]:
        raise SystemExit(f"Product and control differ: {need}")
    return took


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _need(dice: random.Random) -> Need:
    [condition] = dice.sample(list(Condition.objects.order_by("key")), 1)
    outcode = dice.choice(list(Outcode.objects.order_by("pk").values_list("pk", flat=True)))
    place = place_of(f"{outcode} 1AA")
    return Need(
        condition_keys=frozenset({condition.key}),
        broader_keys=frozenset({condition.broader} - {""}),
        age=dice.randint(18, 85),
        sex=dice.choice(["female", "male"]),
        languages=dice.choice([(), ("en",), ("bn", "en")]),
        icb_ods=place.icb_ods if place else "",
        lad_code=place.lad_code if place else "",
        nation=place.nation if place else "",
        latitude=round(place.latitude, 2) if place and place.latitude else None,
        longitude=round(place.longitude, 2) if place and place.longitude else None,
        hours=frozenset(dice.sample(sorted(HOURS), dice.choice([0, 0, 1]))),
    )


def _fill(more: int, dice: random.Random) -> None:
    keys = list(Condition.objects.order_by("key").values_list("key", flat=True))
    areas: dict[str, list[UUID]] = {}
    for area in Area.objects.order_by("place"):
        areas.setdefault("nation:UK" if area.place == "nation:UK" else area.kind, []).append(
            area.pk
        )
    host = Organisation.objects.get_or_create(kind=OrganisationKind.HOST, name="Example Host")[0]
    for start in range(0, more, _AT_ONCE):
        rows = [_community(host, dice) for _ in range(min(_AT_ONCE, more - start))]
        Community.objects.bulk_create(rows)
        _pair(Community.conditions.through, "condition_id", rows, lambda _: dice.choice(keys))
        reached = [row for row in rows if row.radius_km is None]
        _pair(
            Community.areas.through,
            "area_id",
            reached,
            lambda _: dice.choice(
                areas[dice.choices(list(_REACH)[:4], list(_REACH.values())[:4])[0]]
            ),
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _pair(
    table: type, column: str, rows: list[Community], value: Callable[[Community], object]
) -> None:
    pairs = [table(**{"community_id": row.pk, column: value(row)}) for row in rows]
    table.objects.bulk_create(pairs)  # type: ignore[attr-defined]


def _community(host: Organisation, dice: random.Random) -> Community:
    number = dice.getrandbits(60)
    has_circle = dice.randrange(100) < _REACH["circle"]
    return Community(
        key=f"b{number:x}",
        name=f"Example {number:x}",
        host=host,
        summary="Made up.",
        url="https://community.example/",
        kind="moderated_forum",
        format="forum",
        state="open",
        audience=["patients"],
        min_age=dice.choice([16, 18, 18, 18, None]),
        sex=dice.choice(["any"] * 8 + ["female", "male"]),
        languages=["en"] if dice.random() < 0.9 else ["bn"],
        access="self_register",
        anonymity=dice.choice(["pseudonym_allowed", "unknown"]),
        search_visibility=dice.choice(["members_only", "public", "unknown"]),
        moderated_by=dice.choice(["staff", "professional", "peer", "unspecified", "unknown"]),
        moderation_model="post",
        cover=dice.choice(["daily", "24_7", "weekdays", "unknown"]),
        hours_text="Every day 09:00 to 21:00",
        centre_latitude=dice.uniform(50, 58) if has_circle else None,
        centre_longitude=dice.uniform(-4, 1) if has_circle else None,
        radius_km=dice.randint(5, 60) if has_circle else None,
        listing="listed",
        reviewed_on=_DAY,
        reviewed_by="nobody: made up",
        review_due=_DAY + timedelta(days=365),
        confidence=dice.choice(["high", "medium", "low"]),
        is_fictional=True,
    )


def _keep(growth: list[Measured]) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"matching-{connection.vendor}-{datetime.now(UTC):%Y%m%dT%H%M%S}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*Measured.__dataclass_fields__, "ratio"])
        writer.writerows([*vars(one).values(), one.ratio] for one in growth)
    _say(f"Kept in {path}")


def _drawn(growth: list[Measured]) -> Iterator[str]:
    """The median of each size, and of the control, as bars: each mark doubles."""
    for one in growth:
        for name, figure in (("match", one.p50), ("control", one.control_p50)):
            marks = "#" * max(1, int(figure * 10).bit_length())
            yield f"{one.communities:>7} {name:<8}{marks} {figure:.1f} ms"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
