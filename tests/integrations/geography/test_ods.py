"""``manage.py import_ods``: practices, PCNs and boards are brought in line; a bad file changes nothing."""

import io
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Organisation, Succession
from communities.loading import load_reference
from communities.models import Area, Edition, LocalAuthority, Outcode, PlaceCode, Postcode
from communities.places import place_at
from integrations.geography.names import reading_case

pytestmark = pytest.mark.django_db

SAMPLES = Path(settings.BASE_DIR).parent / "shared" / "data" / "samples"
KNOWN = "F84003"  # a practice of North East London that ships with the project
BOARDS = "ods_code,ons_code,name,nhs_region,valid_from,valid_to"
SUCCESSIONS = "predecessor_ods,successor_ods,date,type"

Import = Callable[..., str]


def practice(code: str = "Z99001", **more: str) -> str:
    """A line of an epraccur. ``more``: what is not as in an active practice of North East London."""
    facts = {
        "name": "THE INVENTED SURGERY",
        "board": "QMF",
        "postcode": "IG11 7AA",
        "opened": "19740401",
        "closed": "",
        "status": "ACTIVE",
        "setting": "RO76",
    } | more
    cells = [""] * 27
    cells[:4] = [code, facts["name"], "Y56", facts["board"]]
    cells[9:13] = [facts[name] for name in ("postcode", "opened", "closed", "status")]
    cells[25] = facts["setting"]
    return ",".join(f'"{cell}"' for cell in cells)


def member(code: str = KNOWN, *, pcn: str = "U99901", left: str = "") -> str:
    """A line of an ePCN table of core partners."""
    return f"{code},A3A8R,NHS NORTH EAST LONDON ICB - A3A8R,{pcn},INVENTED PCN,A3A8R,X,20200401,{left},Y"


@pytest.fixture
def load(tmp_path: Path) -> Import:
    """Writes tables (option → lines) and imports them together."""

    def load(*, dry_run: bool = False, **tables: list[str]) -> str:
        out = io.StringIO()
        for option, lines in tables.items():
            (tmp_path / f"{option}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        files = {option: tmp_path / f"{option}.csv" for option in tables}
        call_command("import_ods", stdout=out, dry_run=dry_run, **files)
        return out.getvalue()

    return load


def find(code: str) -> Organisation:
    return Organisation.objects.select_related("icb", "pcn").get(ods_code=code)


def test_a_new_practice_is_there_with_its_facts(load: Import) -> None:
    said = load(practices=[practice(name="DR O'NEIL & PARTNERS, THE GP SURGERY")])

    row = find("Z99001")
    assert row.kind == "practice"
    assert row.name == "Dr O'Neil & Partners, the GP Surgery"
    assert (row.postcode, row.valid_from, row.valid_to) == ("IG11 7AA", date(1974, 4, 1), None)
    assert row.icb
    assert row.icb.ods_code == "QMF"
    assert "practices: 1 added" in said


def test_a_known_practice_keeps_its_name_in_reading_case(load: Import) -> None:
    before = find(KNOWN)

    load(practices=[practice(KNOWN, name=before.name.upper(), postcode="E8 1AA")])

    after = find(KNOWN)
    assert (after.pk, after.name, after.postcode) == (before.pk, before.name, "E8 1AA")


def test_a_practice_that_closed_gets_its_last_day_and_can_open_again(load: Import) -> None:
    other = practice()
    said = load(practices=[practice(KNOWN, status="INACTIVE", closed="20260930"), other])
    row = find(KNOWN)
    assert row.valid_to == date(2026, 9, 30)
    assert row.icb
    assert f"(closed: {KNOWN})" in said

    said = load(practices=[practice(KNOWN), other])
    assert find(KNOWN).valid_to is None
    assert "1 open again" in said


def test_a_second_import_of_the_same_changes_nothing(load: Import) -> None:
    load(practices=[practice()])
    before = find("Z99001").updated_at

    said = load(practices=[practice()])

    assert "practices: 0 added, 0 changed, 0 closed, 0 open again, 1 as they were" in said
    assert find("Z99001").updated_at == before


@pytest.mark.parametrize(
    ("more", "is_taken"),
    [
        ({"setting": "RO76|RO268"}, True),
        ({"setting": "RO80|RO76"}, True),
        ({"setting": "RO177"}, False),
        ({"setting": "RO760"}, False),
        ({"status": "DORMANT"}, False),
        ({"status": "INACTIVE", "closed": "20200101"}, False),
        ({"status": "INACTIVE"}, False),
        ({"board": ""}, False),  # Wales
    ],
)
def test_open_english_gp_practices_are_taken(
    load: Import, more: dict[str, str], is_taken: bool
) -> None:
    load(practices=[practice(), practice("Z99002", **more)])

    assert Organisation.objects.filter(ods_code="Z99002").exists() is is_taken


def test_a_practice_of_a_board_that_merged_goes_to_its_successor(load: Import) -> None:
    said = load(practices=[practice(board="QMJ", postcode="NW1 1AA")])

    row = find("Z99001")
    assert row.icb
    assert row.icb.ods_code == "Z9B2Z"
    assert "1 had a board that has closed" in said


def _board_of(load: Import, code: str, postcode: str) -> str:
    load(practices=[practice(code, board="QJG", postcode=postcode), practice("Z99009")])
    row = Organisation.objects.filter(ods_code=code).select_related("icb").first()
    return (row.icb.ods_code or "") if row and row.icb else ""


def test_a_practice_of_a_board_that_split_goes_where_its_postcode_lies(load: Import) -> None:
    assert _board_of(load, "Z99001", "IP1 1AA") == "T6Y0W"
    assert _board_of(load, "Z99002", "CO1 1AA") == "D7T5G"


def test_a_full_postcode_beats_what_was_known_and_that_beats_the_first_half(load: Import) -> None:
    suffolk = Organisation.objects.get(ods_code="T6Y0W")
    Organisation.objects.create(kind="practice", ods_code="Z99001", name="X", icb=suffolk)

    assert _board_of(load, "Z99001", "CO7 6RT") == "T6Y0W"
    Postcode.objects.create(postcode="CO76RT", icb_ods="D7T5G", country_code="E92000001")
    assert _board_of(load, "Z99001", "CO7 6RT") == "D7T5G"


def test_a_split_that_nothing_settles_is_an_oddity(load: Import) -> None:
    Outcode.objects.filter(pk="CO1").delete()

    said = load(practices=[practice(), practice("Z99002", board="QJG", postcode="CO1 1AA")])

    assert "line 2: Z99002: QJG was split, place unknown" in said
    assert not Organisation.objects.filter(ods_code="Z99002").exists()


def test_practices_that_the_file_does_not_name_are_counted_and_stay(load: Import) -> None:
    said = load(practices=[practice()])

    assert find(KNOWN).valid_to is None
    assert "6208 of ours are not open in the file" in said


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Z99002,SHORT", "line 2: 2 cells instead of 27"),
        (practice(), "line 2: Z99001 stands here for the second time"),
        (practice("!!"), "is not an ODS code"),
        (practice("Z99002", board="Q99"), "load it first with --icbs"),
        (practice("Z99002", opened="1974"), "is not a day"),
        (practice("Z99002", opened="19740231"), "no day of the calendar"),
        (practice("Z99002", closed="19730101"), "closed on 1973-01-01"),
        (practice("Z99002", status="PROPOSED"), "the status 'PROPOSED'"),
        (practice("Z99002", postcode="BARKING"), "is not a postcode"),
        (practice("Z99002", name="X" * 201), "longer than 200"),
    ],
)
def test_a_bad_line_is_named_and_nothing_changes(load: Import, line: str, text: str) -> None:
    with pytest.raises(CommandError, match=text):
        load(practices=[practice(), line])

    assert not Organisation.objects.filter(ods_code="Z99001").exists()
    assert not Edition.objects.exists()


def test_a_code_of_another_kind_of_organisation_is_refused(load: Import) -> None:
    with pytest.raises(CommandError, match="QMF"):
        load(practices=[practice("QMF")])

    assert find("QMF").kind == "icb"


def test_a_file_without_practices_is_refused(load: Import) -> None:
    with pytest.raises(CommandError, match="no GP practice that is open"):
        load(practices=[practice(setting="RO72")])


def test_a_dry_run_says_what_would_change_and_changes_nothing(load: Import) -> None:
    said = load(practices=[practice()], dry_run=True)

    assert "practices: 1 added" in said
    assert "Nothing was written." in said
    assert not Organisation.objects.filter(ods_code="Z99001").exists()
    assert not Edition.objects.exists()


def test_what_was_imported_is_not_overwritten_by_what_ships(load: Import) -> None:
    load(practices=[practice(KNOWN, name="ANOTHER NAME")])

    load_reference(at=timezone.now())

    assert find(KNOWN).name == "Another Name"


def test_practices_are_put_into_their_pcns(load: Import) -> None:
    said = load(pcns=[member(), member("F84004", pcn="U99902", left="20200101"), member("Z99999")])

    row = find(KNOWN)
    assert row.pcn
    assert (row.pcn.ods_code, row.pcn.kind, row.pcn.name) == ("U99901", "pcn", "Invented PCN")
    assert row.pcn.icb == row.icb
    assert find("F84004").pcn is None
    assert "line 3: the practice Z99999 is not known here" in said

    load(pcns=[member("F84004", pcn="U99901")])
    assert find(KNOWN).pcn is None


def test_a_practice_in_two_pcns_is_an_oddity(load: Import) -> None:
    said = load(pcns=[member(), member(pcn="U99902")])

    assert f"line 2: {KNOWN} is in U99901 already" in said


def test_a_bad_pcn_table_is_refused(load: Import) -> None:
    with pytest.raises(CommandError, match="line 2: 1 cells instead of 10"):
        load(pcns=[member(), "nothing"])

    assert not Organisation.objects.filter(kind="pcn").exists()


def _boards(*more: str) -> list[str]:
    """The boards of a year ahead: North East London and South East London become one."""
    return [
        BOARDS,
        "QMF,E54000029,NHS North East London Integrated Care Board,London,2022-07-01,2027-03-31",
        "QKK,E54000030,NHS South East London Integrated Care Board,London,2022-07-01,2027-03-31",
        "X0X0X,E54000099,NHS Invented Integrated Care Board,London,2027-04-01,",
        *more,
    ]


MERGED = [SUCCESSIONS, "QMF,X0X0X,2027-04-01,merger", "QKK,X0X0X,2027-04-01,merger"]


def test_new_boards_come_with_their_codes_areas_and_successions(load: Import) -> None:
    load(icbs=_boards(), successions=MERGED)

    assert find("QMF").valid_to == date(2027, 3, 31)
    assert Succession.objects.filter(successor__ods_code="X0X0X").count() == 2
    assert Area.objects.get(place="icb:QMF").valid_to == date(2027, 3, 31)


def test_a_succession_that_is_no_longer_in_the_table_ends(load: Import) -> None:
    load(icbs=_boards(), successions=MERGED)

    load(icbs=_boards(), successions=MERGED[:2])

    [left] = Succession.objects.filter(successor__ods_code="X0X0X")
    assert left.predecessor == find("QMF")
    assert PlaceCode.objects.get(pk="E54000099").area.place == "icb:X0X0X"
    place = place_at("E54000099")
    assert place
    assert place.icb_ods == "X0X0X"
    load_reference(at=timezone.now())
    assert find("QMF").valid_to == date(2027, 3, 31)


def test_boards_and_practices_in_one_go(load: Import) -> None:
    with time_machine.travel(datetime(2027, 5, 1, tzinfo=timezone.get_default_timezone())):
        load(icbs=_boards(), successions=MERGED, practices=[practice(), practice(KNOWN)])

    row = find(KNOWN)
    assert row.icb
    assert row.icb.ods_code == "X0X0X"


def test_what_lay_in_a_board_that_merged_lies_in_its_successor(load: Import) -> None:
    Postcode.objects.create(postcode="IG110AA", icb_ods="QMF", country_code="E92000001")
    spared = Outcode.objects.filter(icb_ods="QE1").count()

    with time_machine.travel(datetime(2027, 3, 31, tzinfo=timezone.get_default_timezone())):
        load(icbs=_boards(), successions=MERGED)
    assert Postcode.objects.get().icb_ods == "QMF"

    with time_machine.travel(datetime(2027, 4, 1, 12, tzinfo=timezone.get_default_timezone())):
        load(icbs=_boards(), successions=MERGED)

    assert Postcode.objects.get().icb_ods == "X0X0X"
    for table in (Outcode, LocalAuthority):
        assert not table.objects.filter(icb_ods__in=["QMF", "QKK"]).exists()
        assert table.objects.filter(icb_ods="X0X0X").exists()
    assert Outcode.objects.filter(icb_ods="QE1").count() == spared
    row = find(KNOWN)
    assert row.icb
    assert row.icb.ods_code == "X0X0X"


@pytest.mark.parametrize(
    ("tables", "text"),
    [
        ({"icbs": ["a,b", "1,2"]}, "has no column name, ods_code"),
        ({"icbs": _boards("Q99,E54000098,X,London,yesterday,")}, "line 5"),
        ({"icbs": _boards("Q99,E54000098,X,London,2027-01-01,2026-01-01")}, "before valid_from"),
        ({"icbs": _boards("Q99,E540,X,London,2027-01-01,")}, "not an ONS code"),
        ({"icbs": _boards("QMF,E54000098,X,London,2027-01-01,")}, "second time"),
        ({"icbs": _boards(), "successions": [*MERGED, "ZZZ,X0X0X,2027-04-01,merger"]}, "ZZZ"),
        ({"icbs": _boards(), "successions": [*MERGED, "QMF,X0X0X,2027-04-01,x"]}, "type is one"),
        ({"icbs": _boards(), "successions": [*MERGED, "X0X0X,QMF,2028-04-01,merger"]}, "circle"),
        ({"icbs": _boards(), "successions": [*MERGED, "X0X0X,X0X0X,2028-04-01,merger"]}, "circle"),
        ({"icbs": _boards(), "successions": [*MERGED, MERGED[1]]}, "line 4: stands twice"),
        ({"icbs": _boards(), "successions": [*MERGED, "QMF,X0X0X,soon,merger"]}, "not a date"),
        ({"successions": MERGED}, "goes with --icbs"),
        ({}, "Name a file"),
    ],
)
def test_bad_tables_of_boards_are_refused(
    load: Import, tables: dict[str, list[str]], text: str
) -> None:
    with pytest.raises(CommandError, match=text):
        load(**tables)

    assert find("QMF").valid_to is None
    assert not Edition.objects.exists()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("THE DENSHAM SURGERY", "The Densham Surgery"),
        ("ST MARY'S HEALTH CTR", "St Mary's Health Ctr"),
        ("DR RK PATEL & PTNRS", "Dr RK Patel & Ptnrs"),
        ("STOW-ON-THE-WOLD  SURGERY", "Stow-on-the-Wold Surgery"),
        ("Already Written", "Already Written"),
    ],
)
def test_names_are_put_into_reading_case(written: str, read: str) -> None:
    assert reading_case(written) == read


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data/samples is absent")
def test_the_whole_epraccur_of_february_2026() -> None:
    out = io.StringIO()
    before = dict(
        Organisation.objects.filter(kind="practice").values_list("ods_code", "icb__ods_code")
    )

    with time_machine.travel(datetime(2026, 11, 22, tzinfo=timezone.get_default_timezone())):
        call_command("import_ods", practices=SAMPLES / "epraccur_2026_02_full.csv.gz", stdout=out)

    said = out.getvalue()
    assert "practices: 0 added, 6208 changed" in said
    assert "1626 had a board that has closed" in said
    assert "396 left out: active without a board" in said
    practices = Organisation.objects.filter(kind="practice", valid_to=None)
    assert dict(practices.values_list("ods_code", "icb__ods_code")) == before
    for code, board in {"F81062": "QMF", "F83053": "QMF", "Y06592": "QKK"}.items():
        row = find(code)
        assert row.icb
        assert row.icb.ods_code == board
