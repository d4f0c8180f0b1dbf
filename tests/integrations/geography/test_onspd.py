"""``manage.py import_onspd``: releases of all shapes go in whole; a bad file changes nothing and says where it is bad."""

import gzip
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from communities.models import Edition, Postcode
from communities.places import place_of
from integrations.geography.lines import FileRefused, Remarks
from integrations.geography.onspd import index_of, month_of

pytestmark = pytest.mark.django_db

SAMPLES = Path(settings.BASE_DIR).parent / "shared" / "data" / "samples"
HEADER = "pcds,doterm,oslaua,ctry,icb,lsoa21,imd,ru11ind,lat,long"
BARKING = "IG11 0AA,,E09000002,E92000001,E54000029,E01000001,3285,A1,51.5,0.1"
# As May 2026 names them: other columns between, in another order.
NEWER = "\ufeffpcds,pcd7,ctry25cd,lad25cd,icb26cd,lsoa21cd,imd20ind,ruc21ind,lat,long,doterm"
BARKING_NEWER = '"IG11 0AA","IG110AA",E92000001,E09000002,E54000029,E01000001,1,RLN1,51.5,0.1,'

Import = Callable[..., str]


def run(path: Path, **options: object) -> str:
    out = io.StringIO()
    call_command("import_onspd", path, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def load(tmp_path: Path) -> Import:
    """Writes lines into a file of August 2025 and imports it."""

    def load(*lines: str, name: str = "ONSPD_AUG_2025_UK.csv", **options: object) -> str:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return run(path, **options)

    return load


def refused(load: Import, *lines: str, **options: object) -> str:
    """The text of a refusal, after making sure that everything is as before."""
    load(HEADER, BARKING)
    with pytest.raises(CommandError) as error:
        load(*lines, **options)
    assert list(Postcode.objects.values_list("postcode", flat=True)) == ["IG110AA"]
    assert Edition.objects.get(table="postcodes").rows == 1
    return str(error.value)


def test_a_postcode_goes_in_with_all_its_facts(load: Import) -> None:
    load(HEADER, BARKING)

    row = Postcode.objects.get()
    assert (row.postcode, row.lad_code, row.icb_ods) == ("IG110AA", "E09000002", "QMF")
    assert (row.lsoa21_code, row.rural_urban, row.country_code) == ("E01000001", "A1", "E92000001")
    assert (row.imd_rank, row.imd_decile) == (3285, 2)
    assert (row.latitude, row.longitude, row.terminated_on) == (51.5, 0.1, None)
    assert Edition.objects.get(table="postcodes").name == "ONSPD_AUG_2025_UK.csv of 2025-08"


def test_a_newer_release_has_other_names_for_its_columns(load: Import) -> None:
    load(NEWER, BARKING_NEWER, name="NSPL_MAY_2026_UK.csv", imd=2025)

    row = Postcode.objects.get()
    assert (row.lad_code, row.icb_ods, row.rural_urban) == ("E09000002", "QMF", "RLN1")
    assert row.imd_decile == 1


@pytest.mark.parametrize(
    ("rank", "decile"), [(1, 1), (3284, 1), (3285, 2), (9853, 3), (29560, 10), (32844, 10)]
)
def test_deciles_are_tenths_of_englands_areas(load: Import, rank: int, decile: int) -> None:
    load(HEADER, BARKING.replace("3285", str(rank)))

    assert Postcode.objects.get().imd_decile == decile


@pytest.mark.parametrize(
    ("release", "highest", "asked", "year"),
    [
        (date(2021, 11, 1), 100, None, 2019),
        (date(2026, 5, 1), 32_844, None, 2019),
        (date(2026, 5, 1), 32_845, None, 2025),
        (date(2026, 5, 1), 100, None, None),
        (date(2026, 5, 1), 100, 2019, 2019),
        (date(2026, 5, 1), 100, 2025, 2025),
    ],
)
def test_the_index_is_told_by_release_ranks_or_operator(
    release: date, highest: int, asked: int | None, year: int | None
) -> None:
    assert index_of(release=release, highest_rank=highest, asked=asked) == year


@pytest.mark.parametrize(
    ("release", "highest", "asked"),
    [
        (date(2021, 11, 1), 100, 2025),
        (date(2026, 5, 1), 32_845, 2019),
        (date(2026, 5, 1), 33_756, None),
    ],
)
def test_an_index_that_cannot_be_is_refused(release: date, highest: int, asked: int | None) -> None:
    with pytest.raises(FileRefused):
        index_of(release=release, highest_rank=highest, asked=asked)


def test_without_knowing_the_index_there_is_a_rank_and_no_decile(load: Import) -> None:
    said = load(HEADER, BARKING, name="ONSPD_MAY_2026_UK.csv")

    row = Postcode.objects.get()
    assert (row.imd_rank, row.imd_decile) == (3285, None)
    assert "Say --imd" in said


def test_other_nations_have_ranks_of_their_own_and_no_decile(load: Import) -> None:
    load(
        HEADER,
        "AB1 0AA,199606,S12000033,S92000003,S99999999,,6715,3,57.1,-2.2",
        "CF10 1AA,,W06000015,W92000004,W99999999,W01001939,1,A1,51.4,-3.1",
        "BT1 1AA,,N09000003,N92000002,N99999999,N21000001,12,,54.5,-5.9",
        "JE2 4WD,,L99999999,L93000001,L99999999,L99999999,0,Z9,99.999999,0.000000",
    )

    rows = {row.postcode: row for row in Postcode.objects.all()}
    assert {row.imd_decile for row in rows.values()} == {None}
    assert {row.icb_ods for row in rows.values()} == {""}
    assert rows["AB10AA"].terminated_on == date(1996, 6, 1)
    jersey = rows["JE24WD"]
    assert (jersey.lad_code, jersey.lsoa21_code, jersey.rural_urban) == ("", "", "")
    assert (jersey.latitude, jersey.longitude, jersey.imd_rank) == (None, None, None)


def test_northern_irish_postcodes_come_with_a_word_on_their_licence(load: Import) -> None:
    said = load(HEADER, "BT1 1AA,,N09000003,N92000002,N99999999,,12,,54.5,-5.9")

    assert "commercial use" in said


def test_a_board_that_has_closed_gives_way_and_a_split_goes_by_authority(load: Import) -> None:
    load(
        HEADER,
        "WC1A 1AA,,E09000007,E92000001,E54000028,,5,A1,51.5,-0.1",
        "CO1 1AA,,E07000071,E92000001,E54000023,,5,A1,51.9,0.9",
        "IP1 1AA,,E07000202,E92000001,E54000023,,5,A1,52.0,1.1",
        "SO14 1AA,,E06000045,E92000001,E54000042,,5,A1,50.9,-1.4",
        "IP2 1AA,,E99999999,E92000001,E54000023,,5,A1,52.0,1.1",
    )

    boards = dict(Postcode.objects.values_list("postcode", "icb_ods"))
    assert boards == {
        "WC1A1AA": "Z9B2Z",
        "CO11AA": "D7T5G",
        "IP11AA": "T6Y0W",
        "SO141AA": "QRL",
        "IP21AA": "",
    }


def test_former_codes_of_authorities_become_the_present_ones(load: Import) -> None:
    load(HEADER, BARKING.replace("E09000002", "E08000016"))

    assert Postcode.objects.get().lad_code == "E08000038"


def test_what_has_no_place_is_left_out(load: Import) -> None:
    said = load(HEADER, BARKING, "IG11 9ZZ,199606,,,,,,,,")

    assert Postcode.objects.count() == 1
    assert "1 left out" in said


def test_another_release_replaces_the_one_before(load: Import) -> None:
    load(HEADER, BARKING)

    load(HEADER, BARKING.replace("IG11 0AA", "IG11 0AB"))

    assert Postcode.objects.get().postcode == "IG110AB"


def test_a_part_does_not_replace_the_whole_by_mistake(load: Import) -> None:
    many = [BARKING.replace("0AA", f"0A{letter}") for letter in "ABCDE"]
    load(HEADER, *many)

    with pytest.raises(CommandError, match="--fewer"):
        load(HEADER, BARKING)

    assert Postcode.objects.count() == 5
    load(HEADER, BARKING, fewer=True)
    assert Postcode.objects.count() == 1


def test_a_dry_run_reports_and_writes_nothing(load: Import) -> None:
    said = load(HEADER, BARKING, dry_run=True)

    assert "1 postcodes" in said
    assert not Postcode.objects.exists()
    assert not Edition.objects.exists()


@pytest.mark.parametrize("packing", ["gz", "zip"])
def test_packed_files_are_read_as_they_are(tmp_path: Path, packing: str) -> None:
    text = f"{HEADER}\r\n{BARKING}\r\n".encode()
    path = tmp_path / f"ONSPD_AUG_2025.{packing}"
    if packing == "gz":
        path.write_bytes(gzip.compress(text))
    else:
        with ZipFile(path, "w") as archive:
            archive.writestr("Data/ONSPD_AUG_2025_UK.csv", text)
            archive.writestr("Data/multi_csv/ONSPD_AUG_2025_UK_IG.csv", text)
            archive.writestr("Documents/2011 Census.csv", "a,b\n")

    run(path)

    assert Postcode.objects.count() == 1


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("IG11 0AB,,E09000002", "line 3: 3 cells instead of 10"),
        (BARKING, "line 3: IG110AA stands here for the second time"),
        (BARKING.replace("IG11 0AA", "nowhere"), "line 3: 'nowhere' is not a postcode"),
        (BARKING.replace("0AA", "0AB").replace("3285", "many"), "not a rank"),
        (BARKING.replace("0AA", "0AB").replace("3285", "٣"), "not a rank"),
        (BARKING.replace("0AA", "0AB").replace("E09000002", "Barking"), "not an ONS code"),
        (BARKING.replace("0AA", "0AB").replace("E54000029", "E54009999"), "import_ods --icbs"),
        (BARKING.replace("0AA", "0AB").replace("51.5", "nan"), "outside"),
        (BARKING.replace("0AA", "0AB").replace("51.5", "north"), "not a position"),
        (BARKING.replace("0AA,,", "0AB,199613,"), "not a month"),
        (BARKING.replace("0AA", "0AB").replace("A1", "a b"), "not a code"),
        ('"IG11 0AB' + BARKING[8:], "line 3: quotes are wrong"),
        ("x" * 70_000, "line 3: longer than"),
    ],
)
def test_a_bad_line_is_named_and_nothing_changes(load: Import, line: str, text: str) -> None:
    assert text in refused(load, HEADER, BARKING, line)


def test_the_first_fifty_faults_are_shown_and_all_counted(load: Import) -> None:
    said = refused(load, HEADER, BARKING, *["bad"] * 60)

    assert "60 faults" in said
    assert "line 52:" in said
    assert "line 53:" not in said
    assert "and 10 more" in said


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (HEADER.replace("oslaua", "authority"), "no column for lad"),
        (HEADER.replace("imd", "decile"), "no column for imd"),
        ("", "no header"),
    ],
)
def test_a_file_of_another_kind_is_refused(load: Import, header: str, text: str) -> None:
    assert text in refused(load, header, BARKING)


def test_a_file_without_rows_is_refused(load: Import) -> None:
    assert "no postcode" in refused(load, HEADER)


def test_a_release_without_a_month_is_refused_until_it_is_said(load: Import) -> None:
    with pytest.raises(CommandError, match="--release"):
        load(HEADER, BARKING, name="postcodes.csv")

    load(HEADER, BARKING, name="postcodes.csv", release="2025-08")
    assert Postcode.objects.exists()


@pytest.mark.parametrize("release", ["2025", "2025-13", "August"])
def test_a_month_that_is_none_is_refused(load: Import, release: str) -> None:
    with pytest.raises(CommandError, match="--release"):
        load(HEADER, BARKING, release=release)


def _mixed_encodings() -> bytes:
    return f"{HEADER}\n{BARKING}\n".encode() + "IG11 0AB,Ynys Môn\n".encode("latin-1")


def _cut_short() -> bytes:
    return gzip.compress(f"{HEADER}\n{BARKING}\n".encode() * 1000)[:-40]


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("ONSPD_AUG_2025.csv", _mixed_encodings(), "line 3: not UTF-8"),
        ("ONSPD_AUG_2025.csv", f"{HEADER}\n".encode("utf-16"), "no header in UTF-8"),
        ("ONSPD_AUG_2025.csv.gz", _cut_short(), "cannot be read to its end"),
        ("ONSPD_AUG_2025.csv.gz", b"no gzip", "cannot be read to its end"),
        ("ONSPD_AUG_2025.zip", b"no zip", "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, content: bytes, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(CommandError, match=text):
        run(path)

    assert not Postcode.objects.exists()


def test_a_zip_without_the_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ONSPD_AUG_2025.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing here")

    with pytest.raises(CommandError, match="one table is expected"):
        run(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run(tmp_path / "ONSPD_AUG_2025.csv")


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("ONSPD_AUG_2025_UK.csv", date(2025, 8, 1)),
        ("NSPL_NOV_2021_UK_WC.csv", date(2021, 11, 1)),
        ("onspd_2025_08_sample.csv", date(2025, 8, 1)),
        ("ONSPD_UK_MAY2026.csv", date(2026, 5, 1)),
        ("postcodes.csv", None),
        ("ONSPD_2025_13.csv", None),
    ],
)
def test_the_name_tells_the_month(name: str, month: date | None) -> None:
    assert month_of(name) == month


def test_remarks_say_how_many_there_are_beyond_those_shown() -> None:
    remarks = Remarks()
    for line in range(51):
        remarks.add(line, "odd")

    assert str(remarks).endswith("line 49: odd\nand 1 more")


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data/samples is absent")
def test_a_real_onspd_of_august_2025() -> None:
    run(SAMPLES / "onspd_2025_08_sample.csv.gz")

    assert Postcode.objects.count() == 8048
    assert Postcode.objects.exclude(terminated_on=None).count() == 3811
    place, rural = place_of("M1 1AD"), place_of("JE2 4WD")
    assert place
    assert rural
    assert (place.icb_ods, place.lad_code, place.lsoa_code) == ("QOP", "E08000003", "E01033658")
    assert (place.imd_decile, place.rural_urban, place.nation) == (4, "urban", "England")
    assert (rural.nation, rural.latitude) == ("", None)
    scottish = Postcode.objects.filter(country_code="S92000003")
    assert set(scottish.values_list("imd_decile", "icb_ods")) == {(None, "")}


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data/samples is absent")
def test_a_real_nspl_of_november_2021() -> None:
    said = run(SAMPLES / "NSPL_NOV_2021_UK_WC.csv.gz")

    assert Postcode.objects.count() == 7442
    assert "13 left out" in said
    boards = set(Postcode.objects.values_list("icb_ods", flat=True))
    assert boards == {"Z9B2Z", "QMF"}  # North Central and North West London merged
    place = place_of("WC1A 1AD")
    assert place
    assert (place.lad_code, place.imd_decile, place.lsoa_code) == ("E09000007", 5, "")
