"""A release on its way in: a database of its own in a temporary folder, so that memory does not grow with the release.

Of the rows with the same identifier in several files the newest holds, as RF2 means it, and of equally new ones that
of the file whose name comes last.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from integrations.terminology.files import ReleaseFile
from integrations.terminology.findings import Findings
from integrations.terminology.kinds import (
    BRITISH,
    FULLY_SPECIFIED_NAME,
    KINDS,
    PREFERRED,
    SYNONYM,
    Kind,
)

_AT_ONCE = 10_000
_NUMBERS = {"effectiveTime", "active", "moduleId", "conceptId", "typeId", "sourceId"} | {
    "destinationId",
    "refsetId",
    "referencedComponentId",
    "acceptabilityId",
    "targetComponentId",
}
# Nothing of it outlasts the import: no journal, and a cache of 128 MiB instead of commits.
_SETTINGS = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -131072;"
_RANK = " ".join(f"WHEN {refset} THEN {rank}" for rank, refset in enumerate(BRITISH))
_UNRANKED = len(BRITISH)
# The one term of each concept and type: of several that which the nearest reference set prefers, then the oldest.
_TERMS = (
    "CREATE INDEX language_of ON language (referencedComponentId) WHERE active",
    "CREATE TABLE term (conceptId INTEGER, typeId INTEGER, term TEXT, rank INTEGER)",
    f"""INSERT INTO term
  SELECT conceptId, typeId, term, min(rank * 1000000000000000000 + id) / 1000000000000000000 FROM (
    SELECT d.conceptId, d.typeId, d.term, d.id, CASE refsetId {_RANK} ELSE {_UNRANKED} END AS rank
    FROM description d LEFT JOIN language l
      ON l.referencedComponentId = d.id AND l.active AND l.acceptabilityId = {PREFERRED}
    WHERE d.active
  ) GROUP BY conceptId, typeId""",  # noqa: S608  (constants of ours)
    "CREATE INDEX term_of ON term (conceptId, typeId)",
)
_CONCEPTS = f"""
SELECT id, active, moduleId, effectiveTime, coalesce(f.term, ''), coalesce(p.term, f.term, '')
FROM concept
LEFT JOIN term f ON f.conceptId = id AND f.typeId = {FULLY_SPECIFIED_NAME}
LEFT JOIN term p ON p.conceptId = id AND p.typeId = {SYNONYM} AND p.rank < {_UNRANKED}
ORDER BY id
"""  # noqa: S608
_UNKNOWN = """
SELECT file, line, '{column} ' || {column} || ' is no concept of this release' FROM {table}
WHERE active AND {column} NOT IN (SELECT id FROM concept) ORDER BY file, line
"""
_NAMELESS = f"""
SELECT file, line, 'the active concept ' || id || ' has no active fully specified name' FROM concept
WHERE active AND NOT EXISTS (
  SELECT 1 FROM term WHERE conceptId = id AND typeId = {FULLY_SPECIFIED_NAME}
) ORDER BY file, line
"""  # noqa: S608
_UNFIT = (
    _UNKNOWN.format(table="description", column="conceptId"),
    _UNKNOWN.format(table="relationship", column="sourceId"),
    _UNKNOWN.format(table="relationship", column="destinationId"),
    _NAMELESS,
)
_PARENTS = """
SELECT DISTINCT sourceId, destinationId FROM relationship r
JOIN concept below ON below.id = sourceId JOIN concept above ON above.id = destinationId
WHERE r.active AND below.active AND above.active ORDER BY 1, 2
"""
_SUCCESSORS = """
SELECT DISTINCT referencedComponentId, targetComponentId FROM association a
JOIN concept old ON old.id = referencedComponentId JOIN concept new ON new.id = targetComponentId
WHERE a.active AND NOT old.active AND new.active ORDER BY 1, 2
"""
_MEMBERS = """
SELECT DISTINCT refsetId, concept.id FROM simple s JOIN concept ON concept.id = referencedComponentId
WHERE s.active ORDER BY 1, 2
"""
_TOPS = """
SELECT count(*) FROM concept WHERE active AND id NOT IN (SELECT sourceId FROM relationship WHERE active)
"""
_NEWEST = """
SELECT max(t) FROM (SELECT max(effectiveTime) AS t FROM concept
UNION ALL SELECT max(effectiveTime) FROM description
UNION ALL SELECT max(effectiveTime) FROM relationship)
"""
_CHANGES = """
SELECT (SELECT count(*) FROM concept WHERE id NOT IN (SELECT id FROM standing)),
  (SELECT count(*) FROM standing WHERE id NOT IN (SELECT id FROM concept)),
  (SELECT count(*) FROM standing JOIN concept USING (id) WHERE standing.active AND NOT concept.active),
  (SELECT count(*) FROM standing JOIN concept USING (id) WHERE concept.active AND NOT standing.active)
"""


class Staging:
    """The rows of a release that are used, by kind. First ``take`` every file, then ``settle``, then read."""

    def __init__(self, folder: Path) -> None:
        self.files: list[ReleaseFile] = []
        self._db = sqlite3.connect(folder / "release.sqlite3", isolation_level=None)
        self._db.executescript(_SETTINGS)
        for kind in KINDS:
            columns = ", ".join(f"{name} {_type(kind, name)}" for name in kind.kept)
            self._db.execute(
                f"CREATE TABLE {kind.name} ({columns}, file INTEGER, line INTEGER,"
                " PRIMARY KEY (id, file)) WITHOUT ROWID"
            )
        self._db.execute("BEGIN")

    def close(self) -> None:
        """Let go of the folder."""
        self._db.close()

    def take(self, file: ReleaseFile, findings: Findings) -> int:
        """Take the rows of a file in; says how many sound lines it has after the header."""
        number, kind, lines = len(self.files), file.kind, 0
        self.files.append(file)
        marks = ", ".join("?" * (len(kind.kept) + 2))
        statement = f"INSERT OR IGNORE INTO {kind.name} VALUES ({marks})"  # noqa: S608
        rows = file.rows(findings)
        while part := list(islice(rows, _AT_ONCE)):
            lines += len(part)
            kept = [(*kind.keep(row), number, line) for line, row in part if kind.is_used(row)]
            if self._insert(statement, kept) < len(kept):
                self._find_doubles(kept, file, findings)
        return lines

    def _insert(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> int:
        before = self._db.total_changes
        self._db.executemany(statement, rows)
        return self._db.total_changes - before

    def _find_doubles(
        self, kept: list[tuple[Any, ...]], file: ReleaseFile, findings: Findings
    ) -> None:
        first = f"SELECT line FROM {file.kind.name} WHERE id = ? AND file = ?"  # noqa: S608
        for key, *_values, number, line in kept:
            ((taken,),) = self._db.execute(first, (key, number))
            if taken != line:
                findings.add(file.name, line, f"the id {key} stands in line {taken} already")

    def settle(self, findings: Findings) -> None:
        """Keep the newest of each row, and look for what does not fit together."""
        for name in (kind.name for kind in KINDS):
            self._db.execute(
                f"DELETE FROM {name} WHERE EXISTS (SELECT 1 FROM {name} newer"  # noqa: S608
                f" WHERE newer.id = {name}.id AND (newer.effectiveTime, newer.file)"
                f" > ({name}.effectiveTime, {name}.file))"
            )
        for statement in _TERMS:
            self._db.execute(statement)
        for statement in _UNFIT:
            for file, line, text in self._db.execute(statement):
                findings.add(self.files[file].name, line, text)

    def find_circle(self, circle: list[int], findings: Findings) -> None:
        """Note each IS-A that a circle is made of, where it stands."""
        ends = " → ".join(map(str, [*circle, circle[0]]))
        statement = (
            "SELECT file, line FROM relationship WHERE active AND sourceId = ?"
            " AND destinationId = ? ORDER BY file, line LIMIT 1"
        )
        for pair in zip(circle, [*circle[1:], circle[0]], strict=True):
            for file, line in self._db.execute(statement, pair):
                text = f"this IS-A is part of a circle: {ends}"
                findings.add(self.files[file].name, line, text)

    def concepts(self) -> Iterator[tuple[Any, ...]]:
        """Identifier, active, module, effective time, fully specified name, preferred term."""
        return self._db.execute(_CONCEPTS)

    def parents(self) -> Iterator[tuple[int, int]]:
        """Active concepts with each of their active parents."""
        return self._db.execute(_PARENTS)

    def successors(self) -> Iterator[tuple[int, int]]:
        """Inactive concepts with the active ones that they are the same as or were replaced by."""
        return self._db.execute(_SUCCESSORS)

    def members(self) -> Iterator[tuple[int, int]]:
        """Simple reference sets with the concepts in them."""
        return self._db.execute(_MEMBERS)

    def tops(self) -> int:
        """How many active concepts have nothing above them."""
        ((tops,),) = self._db.execute(_TOPS)
        return int(tops)

    def newest(self) -> int:
        """The newest effective time of concepts, descriptions and relationships, YYYYMMDD."""
        ((newest,),) = self._db.execute(_NEWEST)
        return int(newest)

    def state_of(self, sctid: str) -> bool | None:
        """Whether a concept is active; None when there is none."""
        found = self._db.execute("SELECT active FROM concept WHERE id = ?", [sctid]).fetchone()
        return None if found is None else bool(found[0])

    def changes(self, standing: Iterable[tuple[int, bool]]) -> tuple[int, int, int, int]:
        """How many concepts come, go, become inactive and become active again, beside these and their state."""
        self._db.execute("CREATE TABLE standing (id INTEGER PRIMARY KEY, active INTEGER)")
        self._insert("INSERT INTO standing VALUES (?, ?)", standing)
        ((come, go, ended, revived),) = self._db.execute(_CHANGES)
        return come, go, ended, revived


def _type(kind: Kind, column: str) -> str:
    if column == "id":
        return "TEXT" if "refsetId" in kind.columns else "INTEGER"
    return "INTEGER" if column in _NUMBERS else "TEXT"
