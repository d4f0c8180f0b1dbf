"""Where somebody lives: by full postcode, else by its first half; and boards over time."""

from datetime import date

import pytest

from communities.boards import Boards, icb_as_of
from communities.models import Outcode, Postcode
from communities.places import place_at, place_of, rural_or_urban

pytestmark = pytest.mark.django_db

BEFORE, AFTER = date(2026, 3, 31), date(2026, 4, 1)


def _postcode(**more: object) -> None:
    facts = {"postcode": "IG110AA", "lad_code": "E09000026", "icb_ods": "QMF"}
    Postcode.objects.create(**{**facts, "country_code": "E92000001", **more})


@pytest.mark.parametrize(
    ("postcode", "board"),
    [("IG11 7AA", "QMF"), ("E8 1AA", "QMF"), ("E17 1AA", "QMF"), ("RM1 1AA", "QMF")]
    + [("E6 1AA", "QMF"), ("IG1 1AA", "QMF"), ("SL1 1AA", "S0E4D"), ("GU14 1AA", "QRL")]
    + [("GU9 1AA", "S9B9J"), ("CM20 1AA", "D7T5G"), ("CO1 1AA", "D7T5G"), ("CB1 1AA", "S1Y5D")]
    + [("IP1 1AA", "T6Y0W"), ("SW1A 1AA", "Z9B2Z")],
)
def test_the_first_half_of_a_postcode_leads_to_the_board_of_most_of_it(
    postcode: str, board: str
) -> None:
    place = place_of(postcode)

    assert place
    assert (place.icb_ods, place.nation, place.is_approximate) == (board, "England", True)
    assert place.lsoa_code == ""
    assert place.imd_decile in range(1, 11)


def test_a_known_postcode_is_exact() -> None:
    _postcode(
        lad_code="E09000025",
        lsoa21_code="E01000001",
        imd_rank=4000,
        imd_decile=2,
        rural_urban="RSN1",
        latitude=51.5,
        longitude=0.1,
    )

    place = place_of(" ig11 0aa")

    assert place
    assert (place.lad_code, place.icb_ods, place.lsoa_code) == ("E09000025", "QMF", "E01000001")
    assert (place.imd_decile, place.rural_urban, place.is_approximate) == (2, "rural", False)
    assert (place.latitude, place.longitude) == (51.5, 0.1)


def test_a_postcode_that_the_table_lacks_falls_back_to_its_first_half() -> None:
    _postcode()

    place = place_of("IG11 0AB")

    assert place
    assert place.is_approximate


@pytest.mark.parametrize("text", ["", "IG11", "not a postcode", "ZZ99 3CZ", "IG11 0AA; --"])
def test_what_is_no_known_postcode_has_no_place(text: str) -> None:
    assert place_of(text) is None


def test_jersey_is_in_no_nation_of_the_uk() -> None:
    _postcode(postcode="JE24WD", country_code="L93000001", lad_code="", icb_ods="")

    place = place_of("JE2 4WD")

    assert place
    assert (place.nation, place.icb_ods, place.imd_decile) == ("", "", None)


def test_a_median_between_two_deciles_counts_as_the_more_deprived() -> None:
    Outcode.objects.filter(pk="IG11").update(imd_decile_median=8.5)

    place = place_of("IG11 0AB")

    assert place
    assert place.imd_decile == 8


def test_scotland_has_no_english_decile() -> None:
    place = place_of("AB10 1AA")

    assert place
    assert (place.nation, place.imd_decile) == ("Scotland", None)


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (("UN1", "UF1", "A1", "B1", "C1", "C2", "1", "5"), "urban"),
        (("RLN1", "RSF1", "D1", "D2", "E1", "F2", "6", "8"), "rural"),
        (("", "Z9", "9", "X1"), ""),
    ],
)
def test_both_classifications_are_read(codes: tuple[str, ...], kind: str) -> None:
    assert {rural_or_urban(code) for code in codes} == {kind}


@pytest.mark.parametrize(
    ("code", "place"),
    [("E08000016", "E08000038"), ("E08000019", "E08000039"), ("E08000038", "E08000038")],
)
def test_barnsley_and_sheffield_are_known_by_both_codes(code: str, place: str) -> None:
    found = place_at(code)

    assert found
    assert (found.lad_code, found.icb_ods) == (place, "QF7")


@pytest.mark.parametrize("code", ["QRL", "E54000042", "E54000067"])
def test_hampshire_and_isle_of_wight_is_one_board_with_two_ons_codes(code: str) -> None:
    found = place_at(code)

    assert found
    assert found.icb_ods == "QRL"


def test_an_unknown_code_is_no_place() -> None:
    assert place_at("E99999999") is None
    assert place_at("UK") is None


@pytest.mark.parametrize(
    ("code", "day", "authority", "board"),
    [
        ("QMJ", BEFORE, "", "QMJ"),
        ("QMJ", AFTER, "", "Z9B2Z"),
        ("E54000028", AFTER, "", "Z9B2Z"),
        ("QMF", AFTER, "", "QMF"),
        ("QJG", AFTER, "", ""),  # split: nothing settles it
        ("QJG", AFTER, "E07000071", "D7T5G"),  # Colchester
        ("QJG", AFTER, "E07000202", "T6Y0W"),  # Ipswich
        ("QNQ", AFTER, "E06000039", "S0E4D"),  # Slough
        ("QNQ", AFTER, "E07000092", "QRL"),  # Rushmoor
        ("QNQ", AFTER, "E09000002", ""),  # an authority elsewhere settles nothing
        ("Z9B2Z", BEFORE, "", ""),  # there were two
        ("ZZZ", AFTER, "", ""),
    ],
)
def test_a_board_as_of_a_day(code: str, day: date, authority: str, board: str) -> None:
    assert icb_as_of(code, day, lad_code=authority) == board


def test_before_a_merger_there_were_several_boards() -> None:
    boards = Boards.load()

    assert boards.as_of("Z9B2Z", BEFORE) == {"QMJ", "QRV"}
    assert boards.as_of("QRL", BEFORE) == {"QRL"}


def test_boards_that_follow_each_other_in_a_circle_end() -> None:
    ended = (None, date(2020, 1, 1))
    circle = {"A": frozenset({"B"}), "B": frozenset({"A"})}
    boards = Boards({"A": ended, "B": ended}, circle, {}, {}, {})

    assert boards.as_of("A", AFTER) == frozenset()
