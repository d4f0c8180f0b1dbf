"""A made-up release of the size of SNOMED CT's UK Edition: how long its import takes, and how much memory.

``BENCH_DATABASE_URL=postgres://… python -m benchmarks.snomed [CONCEPTS]`` imports twice into a database of its own
beside the named one, which it removes; without the variable into SQLite in a temporary folder. Each import is a process
of its own. Not part of ``make bench``: it takes minutes. Nothing in it is a concept of SNOMED CT.
"""

import random
import resource
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from communities.models import Concept, Descent, Release
from config.starting import bound_statements
from integrations.terminology import kinds

CONCEPTS = 350_000
SEED = 2026
DEPTH = 15
PACKAGE = "SnomedCT_MadeUpRF2_PRODUCTION_20240410T000001Z/Snapshot"
_KIB_IN_MIB = 1024

Lines = Iterator[str]


def main() -> None:
    """Make a release, import it twice, print what it took."""
    concepts = int(sys.argv[1]) if sys.argv[1:] else CONCEPTS
    with TemporaryDirectory() as folder:
        path = Path(folder)
        _say(f"a release of {concepts:,} concepts")
        write_release(path / "release", concepts)
        if connection.vendor == "sqlite":
            settings.DATABASES["default"]["TEST"]["NAME"] = str(path / "bench.sqlite3")
        connection.creation.create_test_db(verbosity=0)
        try:
            for occasion in ("into empty tables", "in the place of the first"):
                _say(f"{occasion}, on {connection.vendor}")
                _import_apart(path / "release")
            _look()
        finally:
            connection.creation.destroy_test_db("", verbosity=0)


def _import_apart(path: Path) -> None:
    """In a process of its own, so that its memory is its own."""
    connection.close()
    process = get_context("fork").Process(target=_import, args=(path,))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit("The import failed.")


def _import(path: Path) -> None:
    began = time.perf_counter()
    call_command("import_rf2", str(path), stdout=_Timed(began))
    used = resource.getrusage(resource.RUSAGE_SELF)
    _say(
        f"{time.perf_counter() - began:.0f} s, CPU {used.ru_utime + used.ru_stime:.0f} s,"
        f" at most {used.ru_maxrss / _KIB_IN_MIB:.0f} MiB"
    )


class _Timed:
    """Puts the time before what the command says."""

    def __init__(self, began: float) -> None:
        self._began = began

    def write(self, text: str) -> None:
        """One line, unless it is a note on a code of ours, none of which is in a made-up release."""
        if not text.startswith("note:"):
            sys.stdout.write(f"{time.perf_counter() - self._began:7.1f} s  {text}")

    def flush(self) -> None:
        """As a stream has it."""
        sys.stdout.flush()


def _look() -> None:
    """How long one look takes at what is above concepts, as a process that serves has it."""
    bound_statements(connection)
    dice = random.Random(SEED)  # noqa: S311
    codes = dice.sample(list(Concept.objects.values_list("pk", flat=True)), 1000)
    began = time.perf_counter()
    found = sum(Descent.objects.filter(descendant=code).count() for code in codes)
    took = (time.perf_counter() - began) / len(codes)
    _say(f"{Release.objects.latest('pk').counts}; {found / len(codes):.1f} above a concept")
    _say(f"what is above one concept: {took * 1e6:.0f} µs")


def write_release(folder: Path, concepts: int) -> None:
    """International part only, three descriptions and a little over three language members for each concept."""
    dice = random.Random(SEED)  # noqa: S311
    parents = _hierarchy(concepts, dice)
    contents: list[tuple[kinds.Kind, str, Lines]] = [
        (kinds.CONCEPT, "Terminology/sct2_Concept_Snapshot", _concepts(concepts)),
        (kinds.DESCRIPTION, "Terminology/sct2_Description_Snapshot-en", _descriptions(concepts)),
        (kinds.RELATIONSHIP, "Terminology/sct2_Relationship_Snapshot", _relationships(parents)),
        (kinds.LANGUAGE, "Refset/Language/der2_cRefset_LanguageSnapshot-en", _language(concepts)),
        (kinds.SIMPLE, "Refset/Content/der2_Refset_SimpleSnapshot", _members(concepts)),
    ]
    for kind, name, lines in contents:
        path = folder / PACKAGE / f"{name}_INT_20240410.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="\r\n") as file:
            file.write("\t".join(kind.columns) + "\n")
            file.writelines(f"{line}\n" for line in lines)


def _hierarchy(concepts: int, dice: random.Random) -> list[list[int]]:
    """The parents of each concept by number: 1.6 on average, near one another, in layers of growing breadth."""
    layers = [round(concepts ** (layer / DEPTH)) for layer in range(1, DEPTH)]
    bounds = sorted({0, 1, *layers, concepts})
    parents: list[list[int]] = [[]]
    for (top, start), end in zip(pairwise(bounds), bounds[2:], strict=False):
        for number in range(start, end):
            nearest = top + (number - start) * (start - top) // (end - start)
            several = dice.choices((1, 2, 3), (50, 40, 10))[0]
            around = dice.sample((-1, 0, 1), several)
            parents.append(sorted({min(max(nearest + step, top), start - 1) for step in around}))
    return parents


def _sctid(number: int, kind: int) -> int:
    """Spread over the numbers as identifiers are, without a valid check digit."""
    return (number * 7_919 % 9_999_991 + 1_000_000) * 10_000 + kind * 10


def _concepts(count: int) -> Lines:
    for number in range(count):
        yield f"{_sctid(number, 0)}\t20240410\t1\t900000000000207008\t900000000000074008"


def _descriptions(count: int) -> Lines:
    terms = (
        (kinds.FULLY_SPECIFIED_NAME, "Made-up disorder of a part of the body number {} (disorder)"),
        (kinds.SYNONYM, "Made-up disorder of a part of the body number {}"),
        (kinds.SYNONYM, "Disorder {} that is made up"),
    )
    for number in range(count):
        for place, (kind, term) in enumerate(terms):
            yield (
                f"{_sctid(number, place + 1)}\t20240410\t1\t900000000000207008\t{_sctid(number, 0)}"
                f"\ten\t{kind}\t{term.format(number)}\t900000000000448009"
            )


def _relationships(parents: list[list[int]]) -> Lines:
    """The hierarchy, and as many rows again of other types."""
    key = 9_000_000_000
    for number, above in enumerate(parents):
        for parent in above:
            for kind in (kinds.IS_A, "363698007"):
                key += 10
                yield (
                    f"{key}\t20240410\t1\t900000000000207008\t{_sctid(number, 0)}\t{_sctid(parent, 0)}"
                    f"\t0\t{kind}\t{kinds.INFERRED}\t900000000000451002"
                )


def _language(count: int) -> Lines:
    """British and American English, as the International Edition has them."""
    dice = random.Random(SEED)  # noqa: S311
    for number in range(count):
        for place in (1, 2, 3):
            for refset in (kinds.BRITISH[-1], "900000000000509007"):
                level = "900000000000549004" if place == 3 else kinds.PREFERRED
                yield (
                    f"{UUID(int=dice.getrandbits(128))}\t20240410\t1\t900000000000207008\t{refset}"
                    f"\t{_sctid(number, place)}\t{level}"
                )


def _members(count: int) -> Lines:
    dice = random.Random(SEED + 1)  # noqa: S311
    for number in range(0, count, 4):
        yield (
            f"{UUID(int=dice.getrandbits(128))}\t20240410\t1\t900000000000207008"
            f"\t{_sctid(number % 100, 9)}\t{_sctid(number, 0)}"
        )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
