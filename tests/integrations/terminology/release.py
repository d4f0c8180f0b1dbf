"""A small release in the UK Edition's layout, made up but for the codes that the reference data holds."""

import zipfile
from pathlib import Path

from integrations.terminology import kinds

ROOT, DISORDER, DIABETES, TYPE_1 = 138875005, 64572001, 73211009, 46635009
# Numbers that stand for nothing.
BRITTLE, OF_THE_YOUNG, OLD_NAME, WITHDRAWN, HAEMOPHILIA = (
    7_000_001_001, 7_000_002_001, 7_000_003_001, 7_000_004_001, 7_000_005_001,
)  # fmt: skip
REFSET, MODULE = 7_000_009_001, 900000000000207008
US = 900000000000509007
NHS, GB = int(kinds.BRITISH[0]), int(kinds.BRITISH[2])

INTERNATIONAL = "SnomedCT_InternationalRF2_PRODUCTION_20240101T120000Z/Snapshot"
UK = "SnomedCT_UKClinicalRF2_PRODUCTION_20240410T000001Z/Snapshot"
CONCEPTS = f"{INTERNATIONAL}/Terminology/sct2_Concept_Snapshot_INT_20240101.txt"
DESCRIPTIONS = f"{INTERNATIONAL}/Terminology/sct2_Description_Snapshot-en_INT_20240101.txt"
RELATIONSHIPS = f"{INTERNATIONAL}/Terminology/sct2_Relationship_Snapshot_INT_20240101.txt"
LANGUAGE = f"{INTERNATIONAL}/Refset/Language/der2_cRefset_LanguageSnapshot-en_INT_20240101.txt"
ASSOCIATIONS = f"{INTERNATIONAL}/Refset/Content/der2_cRefset_AssociationSnapshot_INT_20240101.txt"
UK_CONCEPTS = f"{UK}/Terminology/sct2_Concept_UKCLSnapshot_GB1000000_20240410.txt"
UK_DESCRIPTIONS = f"{UK}/Terminology/sct2_Description_UKCLSnapshot-en_GB1000000_20240410.txt"
UK_RELATIONSHIPS = f"{UK}/Terminology/sct2_Relationship_UKCLSnapshot_GB1000000_20240410.txt"
UK_LANGUAGE = f"{UK}/Refset/Language/der2_cRefset_LanguageUKCLSnapshot-en_GB1000000_20240410.txt"
UK_MEMBERS = f"{UK}/Refset/Content/der2_Refset_SimpleUKCLSnapshot_GB1000000_20240410.txt"

JANUARY, APRIL = 20240101, 20240410

Lines = list[str]
Files = dict[str, Lines]


def release() -> Files:
    """Lines of each file, the header first. The concepts: see ``test_importing``."""
    names = [
        (ROOT, "SNOMED CT Concept (SNOMED RT+CTV3)", "SNOMED CT Concept"),
        (DISORDER, "Disease (disorder)", "Disease"),
        (DIABETES, "Diabetes mellitus (disorder)", "Diabetes mellitus"),
        (TYPE_1, "Diabetes mellitus type 1 (disorder)", 'Type "1" diabetes'),
        (BRITTLE, "Made-up brittle diabetes (disorder)", "Brittle diabetes"),
        (OLD_NAME, "Made-up older name (disorder)", "Older name"),
        (WITHDRAWN, "Made-up withdrawn (disorder)", "Withdrawn"),
        (HAEMOPHILIA, "Made-up hemophilia (disorder)", "Hemophilia"),
    ]
    files = {
        CONCEPTS: [concept(sctid, active=int(sctid != OLD_NAME)) for sctid, _, _ in names],
        DESCRIPTIONS: [],
        RELATIONSHIPS: [
            is_a(1, DISORDER, ROOT),
            is_a(2, DIABETES, DISORDER),
            is_a(3, TYPE_1, DIABETES),
            is_a(4, BRITTLE, TYPE_1),
            is_a(5, BRITTLE, DISORDER),
            is_a(6, WITHDRAWN, DISORDER),
            is_a(7, HAEMOPHILIA, DISORDER),
            is_a(8, HAEMOPHILIA, DIABETES, active=0),
            is_a(9, HAEMOPHILIA, TYPE_1, kind="116676008"),
            is_a(10, HAEMOPHILIA, BRITTLE, characteristic="900000000000010007"),
        ],
        LANGUAGE: [],
        ASSOCIATIONS: [
            member(1, int(kinds.REPLACED_BY), OLD_NAME, TYPE_1),
            member(2, 900000000000523009, WITHDRAWN, TYPE_1),  # possibly equivalent to: not taken
        ],
        UK_CONCEPTS: [
            concept(OF_THE_YOUNG, time=APRIL),
            concept(WITHDRAWN, active=0, time=APRIL),
        ],
        UK_DESCRIPTIONS: [
            description(7_900_001, OF_THE_YOUNG, "Made-up diabetes of the young (disorder)"),
            description(7_900_002, HAEMOPHILIA, "Haemophilia", kind=kinds.SYNONYM),
        ],
        UK_RELATIONSHIPS: [is_a(20, OF_THE_YOUNG, TYPE_1, time=APRIL)],
        UK_LANGUAGE: [member(900, NHS, 7_900_002, kinds.PREFERRED, time=APRIL)],
        UK_MEMBERS: [
            member(700, REFSET, DIABETES),
            member(701, REFSET, TYPE_1, active=0),
            member(702, REFSET, 7_900_002),  # a description
        ],
    }
    for number, (sctid, fsn, term) in enumerate(names):
        files[DESCRIPTIONS] += [
            description(8_000_000 + number, sctid, fsn),
            description(8_100_000 + number, sctid, f"{term} in short", kind=kinds.SYNONYM),
            description(8_200_000 + number, sctid, term, kind=kinds.SYNONYM),
        ]
        files[LANGUAGE] += [
            member(1000 + number, GB, 8_000_000 + number, kinds.PREFERRED),
            member(2000 + number, GB, 8_200_000 + number, kinds.PREFERRED),
            member(3000 + number, US, 8_100_000 + number, kinds.PREFERRED),
        ]
    return {name: [_header(name), *lines] for name, lines in files.items()}


def concept(sctid: int, *, active: int = 1, time: int = JANUARY) -> str:
    """A line of a concept file."""
    return _line(sctid, time, active, MODULE, 900000000000074008)


def description(
    sctid: int, concept: int, term: str, *, kind: str = kinds.FULLY_SPECIFIED_NAME
) -> str:
    """A line of a description file."""
    return _line(sctid, JANUARY, 1, MODULE, concept, "en", kind, term, 900000000000448009)


def is_a(
    number: int,
    below: int,
    above: int,
    *,
    active: int = 1,
    time: int = JANUARY,
    kind: str = kinds.IS_A,
    characteristic: str = kinds.INFERRED,
) -> str:
    """A line of a relationship file."""
    rest = (kind, characteristic, 900000000000451002)
    return _line(9_000_000 + number, time, active, MODULE, below, above, 0, *rest)


def member(
    number: int, refset: int, component: int, *more: int | str, active: int = 1, time: int = JANUARY
) -> str:
    """A line of a reference set file."""
    key = f"00000000-0000-4000-8000-{number:012d}"
    return _line(key, time, active, MODULE, refset, component, *more)


def write_folder(files: Files, folder: Path, *, end: str = "\n", bom: bytes = b"") -> Path:
    """The release as a folder."""
    for name, content in _contents(files, end, bom).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_zip(files: Files, path: Path, *, end: str = "\n", bom: bytes = b"") -> Path:
    """The release as a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _contents(files, end, bom).items():
            archive.writestr(name, content)
    return path


def _contents(files: Files, end: str, bom: bytes) -> dict[str, bytes]:
    return {
        name: bom + "".join(f"{line}{end}" for line in lines).encode()
        for name, lines in files.items()
    }


def _header(name: str) -> str:
    [kind] = [kind for kind in kinds.KINDS if kind.is_file(name.rpartition("/")[2])]
    return "\t".join(kind.columns)


def _line(*values: object) -> str:
    return "\t".join(map(str, values))
