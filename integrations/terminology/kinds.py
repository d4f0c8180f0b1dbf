"""The files of an RF2 snapshot that are read, the columns they must have, and the rows of them that are used.

Names and columns: SNOMED International, Release File Specifications. The UK's files carry UKCL, UKED and the like
before ``Snapshot``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter

IS_A = "116680003"
INFERRED = "900000000000011006"
FULLY_SPECIFIED_NAME = "900000000000003001"
SYNONYM = "900000000000013009"
PREFERRED = "900000000000548007"
SAME_AS = "900000000000527005"
REPLACED_BY = "900000000000526001"
# What British clinicians read, the nearest first: the NHS's clinical and pharmacy parts, Great Britain.
BRITISH = ("999001261000000100", "999000691000001104", "900000000000508004")

_SCTID = "[1-9][0-9]{5,17}"
_TEXT = r"[^\t\r\n\0]+"
_FORMS = {
    "effectiveTime": ("[0-9]{8}", "a date, YYYYMMDD"),
    "active": ("[01]", "1 or 0"),
    "languageCode": (_TEXT, "a language"),
    "term": (_TEXT, "a text"),
    "relationshipGroup": ("[0-9]+", "a number"),
    "member": ("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "a UUID"),
}
_COMPONENT = ("id", "effectiveTime", "active", "moduleId")
_MEMBER = (*_COMPONENT, "refsetId", "referencedComponentId")


@dataclass(frozen=True)
class Kind:
    """A kind of file: how its names begin, its columns, those that are kept, and the values that rows must have."""

    name: str
    beginning: str
    columns: tuple[str, ...]
    kept: tuple[str, ...]
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_required: bool = True

    def is_file(self, name: str) -> bool:
        """Whether a file of this name, without its folder, is of this kind."""
        rest = r"\w*Snapshot(-[A-Za-z-]+)?_\w+\.txt"
        return re.fullmatch(self.beginning + rest, name) is not None

    @property
    def example(self) -> str:
        """How a file of this kind is named."""
        return f"{self.beginning}Snapshot_….txt"

    @cached_property
    def row(self) -> re.Pattern[str]:
        """A whole line as it must be, a group for each column."""
        return re.compile(r"\t".join(f"({self._form(name)[0]})" for name in self.columns))

    @cached_property
    def keep(self) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
        """The columns that are kept out of a whole row."""
        return itemgetter(*(self.columns.index(name) for name in self.kept))

    def is_used(self, row: tuple[str, ...]) -> bool:
        """Whether a whole row has one of the values that are wanted, in every column that has any."""
        return all(row[place] in values for place, values in self._wanted)

    @cached_property
    def _wanted(self) -> list[tuple[int, tuple[str, ...]]]:
        return [(self.columns.index(name), values) for name, values in self.only.items()]

    def fault(self, line: str) -> str:
        """What is wrong with a line that ``row`` does not match."""
        values = line.split("\t")
        if len(values) != len(self.columns):
            return f"has {len(values)} columns where {len(self.columns)} belong"
        for name, value in zip(self.columns, values, strict=True):
            form, meaning = self._form(name)
            if not re.fullmatch(form, value):
                return f"{name} is {value[:40]!r}, which is not {meaning}"
        raise ValueError(line)

    def _form(self, name: str) -> tuple[str, str]:
        if name == "id" and "refsetId" in self.columns:
            return _FORMS["member"]
        return _FORMS.get(name, (_SCTID, "a SNOMED CT identifier"))


CONCEPT = Kind(
    "concept",
    "sct2_Concept_",
    (*_COMPONENT, "definitionStatusId"),
    kept=("id", "effectiveTime", "active", "moduleId"),
)
DESCRIPTION = Kind(
    "description",
    "sct2_Description_",
    (*_COMPONENT, "conceptId", "languageCode", "typeId", "term", "caseSignificanceId"),
    kept=("id", "effectiveTime", "active", "conceptId", "typeId", "term"),
)
RELATIONSHIP = Kind(
    "relationship",
    "sct2_Relationship_",
    (*_COMPONENT, "sourceId", "destinationId", "relationshipGroup")
    + ("typeId", "characteristicTypeId", "modifierId"),
    kept=("id", "effectiveTime", "active", "sourceId", "destinationId"),
    only={"typeId": (IS_A,), "characteristicTypeId": (INFERRED,)},
)
LANGUAGE = Kind(
    "language",
    "der2_cRefset_Language",
    (*_MEMBER, "acceptabilityId"),
    kept=("id", "effectiveTime", "active", "refsetId", "referencedComponentId", "acceptabilityId"),
    only={"refsetId": BRITISH},
)
SIMPLE = Kind(
    "simple",
    "der2_Refset_",
    _MEMBER,
    kept=("id", "effectiveTime", "active", "refsetId", "referencedComponentId"),
    is_required=False,
)
ASSOCIATION = Kind(
    "association",
    "der2_cRefset_Association",
    (*_MEMBER, "targetComponentId"),
    kept=("id", "effectiveTime", "active", "referencedComponentId", "targetComponentId"),
    only={"refsetId": (SAME_AS, REPLACED_BY)},
    is_required=False,
)
KINDS = (CONCEPT, DESCRIPTION, RELATIONSHIP, LANGUAGE, SIMPLE, ASSOCIATION)
