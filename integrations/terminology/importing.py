"""Importing a release of SNOMED CT: read, checked and compared first, then put in the place of what is there."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from communities.models import Concept, ConditionCode, Descent, Release
from communities.terminology import Terminology, replace_terminology
from integrations.terminology.closure import Circular, ancestors_of
from integrations.terminology.files import ReleaseFile, open_release
from integrations.terminology.findings import Findings, ReleaseRefused, refuse
from integrations.terminology.staging import Staging

Say = Callable[[str], object]
Ancestors = dict[int, Sequence[int]]


def import_release(path: Path, *, at: datetime, is_dry_run: bool, say: Say) -> Release | None:
    """Take the snapshot of a release from a folder or zip; with ``is_dry_run`` only say what would change.

    Raises ReleaseRefused when anything in it is wrong. What was there stays until all of the new release is there.
    """
    with _staged(path, say=say) as staging:
        say("working out what falls under what")
        ancestors = _ancestors(staging)
        pairs = sum(map(len, ancestors.values()))
        say(f"{pairs:,} pairs of a concept and one above it, {Descent.objects.count():,} until now")
        _compare(staging, say=say)
        if is_dry_run:
            return None
        say("writing")
        new = Terminology(
            name=path.resolve().name,
            effective_time=_day(staging.newest()),
            digest=_digest(staging.files),
            concepts=(
                (*row[:1], bool(row[1]), row[2], _day(row[3]), *row[4:])
                for row in staging.concepts()
            ),
            descents=((below, above) for below in sorted(ancestors) for above in ancestors[below]),
            members=staging.members(),
        )
        return replace_terminology(new, at=at)


@contextmanager
def _staged(path: Path, *, say: Say) -> Iterator[Staging]:
    findings = Findings()
    with open_release(path) as files, TemporaryDirectory() as folder, _room_in(folder) as staging:
        for file in files:
            say(f"{staging.take(file, findings):>9,} rows of {file.name}")
        say("checking")
        # What is missing because its line cannot be read would be found again wherever it is named.
        if not findings.count:
            staging.settle(findings)
        if findings.count:
            raise ReleaseRefused(findings)
        yield staging


@contextmanager
def _room_in(folder: str) -> Iterator[Staging]:
    try:
        with closing(Staging(Path(folder))) as staging:
            yield staging
    except sqlite3.OperationalError as error:
        text = f"no room for the release while it is read: {error}"
        raise refuse(folder, text) from error


def _ancestors(staging: Staging) -> Ancestors:
    parents: dict[int, list[int]] = defaultdict(list)
    for below, above in staging.parents():
        parents[below].append(above)
    try:
        ancestors = ancestors_of(parents)
    except Circular as error:
        findings = Findings()
        for circle in error.args[0]:
            staging.find_circle(circle, findings)
        raise ReleaseRefused(findings) from error
    heirs: dict[int, set[int]] = defaultdict(set)
    for old, new in staging.successors():
        heirs[old].update([new], ancestors.get(new, ()))
    return ancestors | {old: sorted(above) for old, above in heirs.items()}


def _compare(staging: Staging, *, say: Say) -> None:
    """Say what changes, and which of our codes this release does not lead to."""
    standing = Concept.objects.values_list("sctid", "active").order_by("pk")
    come, go, ended, revived = staging.changes(standing.iterator())
    say(
        f"{come:,} concepts are new, {go:,} no longer there, {ended:,} become inactive,"
        f" {revived:,} active again"
    )
    if (tops := staging.tops()) > 1:
        say(
            f"note: {tops:,} active concepts are below nothing; in a whole release only its root is"
        )
    for code, condition in ConditionCode.objects.order_by("snomed_code").values_list(
        "snomed_code", "condition_id"
    ):
        state = staging.state_of(code)
        if not state:
            what = "not in this release" if state is None else "inactive in this release"
            say(f"note: {code}, a code of {condition}, is {what}")


def _day(effective_time: int) -> date:
    return date.fromisoformat(str(effective_time))


def _digest(files: list[ReleaseFile]) -> str:
    """Of what was read, whether it came in a zip or a folder."""
    lines = sorted(f"{file.name.rpartition('/')[2]} {file.digest.hexdigest()}\n" for file in files)
    return sha256("".join(lines).encode()).hexdigest()
