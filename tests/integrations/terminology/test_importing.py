"""``manage.py import_rf2``: a release in, the terminology out, whole or not at all."""

import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from communities.models import Concept, Descent, RefsetMember, Release
from communities.terminology import Terminology, replace_terminology
from integrations.terminology import kinds, staging
from tests.integrations.terminology import release as made
from tests.integrations.terminology.release import (
    BRITTLE,
    DIABETES,
    DISORDER,
    HAEMOPHILIA,
    OF_THE_YOUNG,
    OLD_NAME,
    REFSET,
    ROOT,
    TYPE_1,
    WITHDRAWN,
    Files,
)  # fmt: skip

pytestmark = pytest.mark.django_db

MINICT = Path(__file__).parents[4] / "shared" / "data" / "samples" / "rf2-minict"
ABOVE = {
    DISORDER: {ROOT},
    DIABETES: {DISORDER, ROOT},
    HAEMOPHILIA: {DISORDER, ROOT},
    TYPE_1: {DIABETES, DISORDER, ROOT},
    BRITTLE: {TYPE_1, DIABETES, DISORDER, ROOT},
    OF_THE_YOUNG: {TYPE_1, DIABETES, DISORDER, ROOT},
    OLD_NAME: {TYPE_1, DIABETES, DISORDER, ROOT},  # inactive: as what replaced it
}


def run(path: Path, *options: str) -> str:
    """What the command prints."""
    said = io.StringIO()
    call_command("import_rf2", str(path), *options, stdout=said)
    return said.getvalue()


def refused(path: Path) -> list[str]:
    """The lines of the report: each fault, and the last word."""
    said = io.StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("import_rf2", str(path), stdout=io.StringIO(), stderr=said)
    return [*said.getvalue().splitlines(), str(refusal.value)]


def held() -> dict[str, list[Any]]:
    """Everything in the tables."""
    return {
        model.__name__: sorted(model.objects.values_list(), key=str)
        for model in (Concept, Descent, RefsetMember, Release)
    }


def above() -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for descendant, ancestor in Descent.objects.values_list("descendant", "ancestor"):
        found.setdefault(descendant, set()).add(ancestor)
    return found


@pytest.mark.parametrize("write", [made.write_folder, made.write_zip])
@pytest.mark.parametrize(("end", "bom"), [("\n", b""), ("\r\n", b""), ("\r\n", b"\xef\xbb\xbf")])
def test_a_release_of_several_packages_is_imported(
    write: Callable[..., Path], end: str, bom: bytes, tmp_path: Path
) -> None:
    run(write(made.release(), tmp_path / "uk_edition.zip", end=end, bom=bom))

    assert above() == ABOVE
    assert Concept.objects.count() == 9
    assert list(RefsetMember.objects.values_list("refset", "concept")) == [(REFSET, DIABETES)]
    [release] = Release.objects.all()
    assert (release.name, release.effective_time) == ("uk_edition.zip", date(2024, 4, 10))
    assert release.counts == {"concepts": 9, "descents": 20, "members": 1}


def test_the_newest_state_of_a_concept_holds_whatever_package_it_is_in(tmp_path: Path) -> None:
    files = made.release()
    files[made.UK_CONCEPTS].append(made.concept(BRITTLE, active=0, time=20200101))

    run(made.write_folder(files, tmp_path))

    assert Concept.objects.get(pk=WITHDRAWN).active is False
    assert Concept.objects.get(pk=WITHDRAWN).effective_time == date(2024, 4, 10)
    assert Concept.objects.get(pk=BRITTLE).active is True


def test_terms_are_those_that_british_clinicians_read(tmp_path: Path) -> None:
    run(made.write_folder(made.release(), tmp_path))

    terms = dict(Concept.objects.values_list("pk", "preferred_term"))
    assert terms[TYPE_1] == 'Type "1" diabetes'  # Great Britain's, not the United States'
    assert terms[HAEMOPHILIA] == "Haemophilia"  # the NHS's before Great Britain's
    assert terms[OF_THE_YOUNG] == "Made-up diabetes of the young (disorder)"  # none is preferred
    assert Concept.objects.get(pk=TYPE_1).fsn == "Diabetes mellitus type 1 (disorder)"


def test_full_and_delta_files_are_not_read(tmp_path: Path) -> None:
    files = made.release()
    for word in ("Full", "Delta"):
        name = made.CONCEPTS.replace("Snapshot", word)
        files[name] = [files[made.CONCEPTS][0], made.concept(7_000_008_001, time=20250101)]

    run(made.write_zip(files, tmp_path / "r.zip"))

    assert above() == ABOVE


def test_a_release_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    run(made.write_folder(made.release(), tmp_path / "first"))
    files = made.release()
    files[made.UK_RELATIONSHIPS] = [files[made.UK_RELATIONSHIPS][0]]
    files[made.UK_MEMBERS].append(made.member(703, REFSET, BRITTLE))

    said = run(made.write_folder(files, tmp_path / "second"))

    assert above() == {key: keys for key, keys in ABOVE.items() if key != OF_THE_YOUNG}
    assert set(RefsetMember.objects.values_list("concept", flat=True)) == {DIABETES, BRITTLE}
    assert "0 concepts are new, 0 no longer there" in said
    assert [release.name for release in Release.objects.order_by("pk")] == ["first", "second"]


def test_the_digest_is_of_the_content_and_not_of_how_it_came(tmp_path: Path) -> None:
    run(made.write_folder(made.release(), tmp_path / "folder"))
    run(made.write_zip(made.release(), tmp_path / "r.zip"))
    files = made.release()
    files[made.UK_MEMBERS].pop()
    run(made.write_zip(files, tmp_path / "other.zip"))

    folder, zipped, other = Release.objects.order_by("pk").values_list("digest", flat=True)
    assert folder == zipped != other


def test_a_dry_run_says_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    run(made.write_folder(made.release(), tmp_path / "first"))
    before = held()
    files = made.release()
    files[made.UK_CONCEPTS][1:] = [
        made.concept(7_000_008_001), made.concept(BRITTLE, active=0, time=made.APRIL)
    ]  # fmt: skip
    files[made.UK_DESCRIPTIONS][1] = made.description(7_900_009, 7_000_008_001, "New (disorder)")
    files[made.UK_RELATIONSHIPS].pop()

    said = run(made.write_folder(files, tmp_path / "second"), "--dry-run")

    assert "1 concepts are new, 1 no longer there, 1 become inactive, 1 active again" in said
    assert "14 pairs of a concept and one above it, 20 until now" in said
    assert "note: 44054006, a code of type-2-diabetes, is not in this release" in said
    assert "note: 2 active concepts are below nothing" in said
    assert "73211009" not in said
    assert held() == before


def _without(name: str) -> Callable[[Files], None]:
    return lambda files: files.__delitem__(name)


def _line(name: str, number: int, text: str) -> Callable[[Files], None]:
    return lambda files: files[name].__setitem__(number - 1, text)


def _more(name: str, *lines: str) -> Callable[[Files], None]:
    return lambda files: files[name].extend(lines)


@pytest.mark.parametrize(
    ("spoil", "report"),
    [
        (_without(made.LANGUAGE), None),  # the UK's is enough
        (
            lambda files: [files.pop(made.LANGUAGE), files.pop(made.UK_LANGUAGE)],
            "der2_cRefset_LanguageSnapshot_….txt: no file with such a name is there",
        ),
        (
            _line(made.CONCEPTS, 1, "id\teffectiveTime\tactive\tmoduleId"),
            (
                f"{made.CONCEPTS}:1: the columns must be id effectiveTime active moduleId"
                " definitionStatusId, separated by tabs"
            ),
        ),
        (_line(made.CONCEPTS, 3, "12"), f"{made.CONCEPTS}:3: has 1 columns where 5 belong"),
        (
            _line(made.CONCEPTS, 3, made.concept(12)),
            f"{made.CONCEPTS}:3: id is '12', which is not a SNOMED CT identifier",
        ),
        (
            _line(made.CONCEPTS, 3, made.concept(ROOT, active=2)),
            f"{made.CONCEPTS}:3: active is '2', which is not 1 or 0",
        ),
        (
            _line(made.CONCEPTS, 3, made.concept(ROOT, time=20240230)),
            f"{made.CONCEPTS}:3: effectiveTime is '20240230', and there is no such day",
        ),
        (
            _line(made.DESCRIPTIONS, 3, made.description(8_000_000, ROOT, "a\0b")),
            f"{made.DESCRIPTIONS}:3: term is 'a\\x00b', which is not a text",
        ),
        (
            _more(made.UK_MEMBERS, made.member(700, REFSET, TYPE_1)),
            (
                f"{made.UK_MEMBERS}:5: the id 00000000-0000-4000-8000-000000000700 stands in line"
                " 2 already"
            ),
        ),
        (
            _more(made.CONCEPTS, made.concept(BRITTLE, time=20250101)),
            f"{made.CONCEPTS}:10: the id {BRITTLE} stands in line 6 already",
        ),
        (
            _more(made.RELATIONSHIPS, made.is_a(11, 7_000_007_001, ROOT)),
            f"{made.RELATIONSHIPS}:12: sourceId 7000007001 is no concept of this release",
        ),
        (
            _more(made.RELATIONSHIPS, made.is_a(11, TYPE_1, 7_000_007_001)),
            f"{made.RELATIONSHIPS}:12: destinationId 7000007001 is no concept of this release",
        ),
        (
            _more(made.DESCRIPTIONS, made.description(8_300_000, 7_000_007_001, "x")),
            f"{made.DESCRIPTIONS}:26: conceptId 7000007001 is no concept of this release",
        ),
        (
            _more(made.CONCEPTS, made.concept(7_000_007_001)),
            f"{made.CONCEPTS}:10: the active concept 7000007001 has no active fully specified name",
        ),
        (
            _more(made.RELATIONSHIPS, made.is_a(11, TYPE_1, TYPE_1)),
            f"{made.RELATIONSHIPS}:12: this IS-A is part of a circle: {TYPE_1} → {TYPE_1}",
        ),
    ],
    ids=lambda value: value.rpartition("/")[2][:60] if isinstance(value, str) else "",
)
def test_a_fault_is_reported_with_its_place_and_nothing_is_changed(
    spoil: Callable[[Files], object], report: str | None, tmp_path: Path
) -> None:
    run(made.write_folder(made.release(), tmp_path / "first"))
    before = held()
    files = made.release()
    spoil(files)
    path = made.write_folder(files, tmp_path / "second")

    if report is None:
        run(path)
        return
    assert refused(path) == [report, "1 faults, 1 of them listed. Nothing was changed."]
    assert held() == before


def test_a_circle_is_reported_with_every_concept_and_line_of_it(tmp_path: Path) -> None:
    files = made.release()
    files[made.UK_RELATIONSHIPS].append(made.is_a(21, DISORDER, BRITTLE))

    *faults, last = refused(made.write_zip(files, tmp_path / "r.zip"))

    back = f"{made.UK_RELATIONSHIPS}:3"
    long = [f"{made.RELATIONSHIPS}:4", f"{made.RELATIONSHIPS}:3", back, f"{made.RELATIONSHIPS}:5"]
    circle = f"{TYPE_1} → {DIABETES} → {DISORDER} → {BRITTLE} → {TYPE_1}"
    short = [back, f"{made.RELATIONSHIPS}:6"]
    assert faults == [
        *(f"{place}: this IS-A is part of a circle: {circle}" for place in long),
        *(
            f"{place}: this IS-A is part of a circle: {DISORDER} → {BRITTLE} → {DISORDER}"
            for place in short
        ),
    ]
    assert last.startswith("6 faults")


@pytest.mark.parametrize("name", [made.DESCRIPTIONS, made.UK_MEMBERS])
def test_a_file_that_is_cut_off_is_refused(name: str, tmp_path: Path) -> None:
    folder = made.write_folder(made.release(), tmp_path)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-9])

    [fault, _last] = refused(folder)

    lines = whole.count(b"\n")
    assert fault == f"{name}:{lines}: does not end with a line end: the file is cut off"
    assert not Concept.objects.exists()


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    files = made.release() | {made.UK_MEMBERS: []}

    assert refused(made.write_zip(files, tmp_path / "r.zip"))[0] == (
        f"{made.UK_MEMBERS}: is empty: it has no header"
    )


def test_lines_in_another_encoding_are_refused_one_by_one(tmp_path: Path) -> None:
    folder = made.write_folder(made.release(), tmp_path)
    file = folder / made.DESCRIPTIONS
    file.write_bytes(file.read_bytes().replace(b"Brittle", "Brüttle".encode("latin-1")))

    *faults, last = refused(folder)

    assert [fault.split(":")[1] for fault in faults] == ["15", "16"]
    assert all("is not UTF-8: byte 0xfc at position" in fault for fault in faults)
    assert last.startswith("2 faults, 2 of them")


def test_of_many_faults_the_first_fifty_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    files = made.release()
    files[made.UK_MEMBERS] += ["nonsense"] * 70

    *faults, last = refused(made.write_folder(files, tmp_path))

    assert len(faults) == 50
    assert last.startswith("70 faults, 50 of them listed")


@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_zip_that_is_cut_off_is_refused(kept: float, tmp_path: Path) -> None:
    path = made.write_zip(made.release(), tmp_path / "r.zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])

    assert refused(path)[0].startswith("r.zip: is neither a folder nor a whole zip file")


def test_a_zip_with_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = made.write_zip(made.release(), tmp_path / "r.zip")
    whole = bytearray(path.read_bytes())
    start = whole.index(made.CONCEPTS.encode()) + len(made.CONCEPTS)
    whole[start + 20 : start + 60] = bytes(40)
    path.write_bytes(whole)

    assert f"{made.CONCEPTS}:" in refused(path)[0]
    assert not Concept.objects.exists()


def test_a_temporary_folder_that_is_full_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_SETTINGS", "PRAGMA max_page_count = 10")

    report = refused(made.write_folder(made.release(), tmp_path))[0]

    assert "no room for the release while it is read: database or disk is full" in report


def test_a_path_where_nothing_is_is_refused(tmp_path: Path) -> None:
    assert "is neither a folder nor a whole zip file" in refused(tmp_path / "nothing.zip")[0]
    assert "no file with such a name is there" in refused(tmp_path)[0]


@pytest.mark.skipif(not MINICT.exists(), reason="../shared/data is absent")
def test_a_small_real_release_gets_the_hierarchy_of_its_own_relationships() -> None:
    run(MINICT)

    folder = next(MINICT.rglob("Snapshot")) / "Terminology"
    pairs = slowly_above(next(folder.glob("sct2_Relationship_*")).read_text().splitlines()[1:])
    inactive = set(Concept.objects.filter(active=False).values_list("pk", flat=True))
    descents = Descent.objects.exclude(descendant__in=inactive)
    taken = set(descents.values_list("descendant", "ancestor"))
    assert len(pairs) > 300
    assert taken == pairs
    assert Concept.objects.count() == 102
    assert above()[246188002] == {404684003, ROOT}  # replaced
    assert Concept.objects.get(pk=50960005).preferred_term == "Haemorrhage"


def slowly_above(lines: list[str]) -> set[tuple[int, int]]:
    """The closure by squaring, until nothing comes in."""
    rows = [line.split("\t") for line in lines]
    pairs = {
        (int(row[4]), int(row[5]))
        for row in rows
        if row[2] == "1" and row[7] == kinds.IS_A and row[8] == kinds.INFERRED
    }
    while more := {(a, d) for a, b in pairs for c, d in pairs if b == c} - pairs:
        pairs |= more
    return pairs


def _breaking(rows: list[tuple[int, int]]) -> Any:
    yield from rows
    raise RuntimeError("the disk is full")


def _terminology(descents: Any) -> Terminology:
    return Terminology(
        name="r", effective_time=date(2024, 1, 1), digest="", concepts=[], descents=descents, members=[]
    )  # fmt: skip


def test_what_breaks_off_while_writing_leaves_what_was_there(tmp_path: Path) -> None:
    run(made.write_folder(made.release(), tmp_path))
    before = held()

    with pytest.raises(RuntimeError, match="the disk is full"):
        replace_terminology(_terminology(_breaking([(1, 2)])), at=timezone.now())

    assert held() == before


@pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="SQLite in memory has one connection: nobody else reads",
)
@pytest.mark.django_db(transaction=True)
def test_everybody_reads_the_old_release_until_the_new_one_is_there(tmp_path: Path) -> None:
    run(made.write_folder(made.release(), tmp_path))
    seen: list[Any] = []

    def look() -> None:
        seen.append((above() == ABOVE, Concept.objects.count()))
        connection.close()

    def rows() -> Any:
        yield (1, 2)
        thread = Thread(target=look)
        thread.start()
        thread.join()

    replace_terminology(_terminology(rows()), at=timezone.now())

    assert seen == [(True, 9)]
    assert above() == {1: {2}}
