"""The funnel: counted a second time from the rows of the story, and the same in every face."""

import csv
import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils.timezone import localdate

from accounts.models import Membership, Organisation, Role, User
from config.fictional import people
from engagement import measures
from engagement.contract import TAKING_PART
from engagement.disclosure import Shown
from engagement.measures import STEPS, Funnel, Row, funnel
from engagement.models import Activity
from referrals.lifecycle import BusinessStatus
from referrals.models import Referral
from tests import cast
from tests.engagement.population import issue_draft, populate, receive, take_back

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")

Counts = dict[str, int]

pytestmark = pytest.mark.django_db


@pytest.fixture
def icb() -> Organisation:
    return Organisation.objects.get(ods_code=cast.ICB)


@pytest.fixture
def practices() -> list[Organisation]:
    """Three practices of the ICB."""
    found = Organisation.objects.filter(kind="practice", icb__ods_code=cast.ICB)
    return list(found.order_by("ods_code")[:3])


@pytest.fixture
def elsewhere() -> Organisation:
    """A practice of another ICB."""
    found = Organisation.objects.filter(kind="practice", icb__ods_code=cast.OTHER_ICB)
    return found.order_by("ods_code")[0]


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures before disclosure control, which would hide most of a little population."""
    monkeypatch.setattr(measures, "shown", lambda count, *, is_whole_icb: Shown(count))


# The slow and obvious way: one referral after the other, from what happened to it.


def slowly_counted(referrals: Iterator[Referral]) -> Counts:
    counts = dict.fromkeys((step.key for step in STEPS), 0)
    for referral in referrals:
        for step in steps_reached(referral):
            counts[step] += 1
    return counts


def steps_reached(referral: Referral) -> Iterator[str]:
    states = [change.business_status for change in referral.changes.order_by("pk")]
    if states[-1] == BusinessStatus.ENTERED_IN_ERROR or BusinessStatus.RECEIVED not in states:
        return
    yield "issued"
    if any(message.handed_over_at for message in referral.messages.all()):
        yield "delivered"
    if any(link.opened_at for link in referral.links.all()):
        yield "opened"
    if any(offer.chosen_at for offer in referral.offers.all()):
        yield "chose"
    if any(change.business_status == BusinessStatus.JOINED for change in referral.changes.all()):
        assert referral.placements.exists()
        yield "joined"
    activities = Activity.objects.filter(placement__referral=referral)
    if any(activity.kind in TAKING_PART for activity in activities):
        yield "active"


def month_of(referral: Referral) -> str:
    """The month in which it was issued; a draft that was not has none."""
    issued = referral.changes.filter(business_status=BusinessStatus.RECEIVED).order_by("pk").first()
    return f"{issued.at.astimezone(LONDON):%Y-%m}" if issued else ""


def of_icb(icb: Organisation, months: set[str]) -> list[Referral]:
    """Found the long way: over the practice, not over the column that the fast way uses."""
    return [
        referral
        for referral in Referral.objects.select_related("practice__icb")
        if referral.practice.icb == icb and month_of(referral) in months
    ]


def figures_of(row: Row) -> Counts:
    return {step.key: cell.value or 0 for step, cell in zip(STEPS, row.cells, strict=True)}


@pytest.mark.usefixtures("exact")
def test_a_draft_counts_from_its_issue_and_a_mistake_never(
    icb: Organisation, practices: list[Organisation]
) -> None:
    chance = iter(people(seed=8))
    drafted_in_june = datetime(2026, 6, 10, tzinfo=UTC)
    for _ in range(3):
        draft = receive(practices[0], next(chance), is_draft=True, at=drafted_in_june)
    issue_draft(draft, at=datetime(2026, 8, 10, tzinfo=UTC))
    mistake = receive(practices[0], next(chance), at=drafted_in_june)
    take_back(mistake, is_mistake=True, at=drafted_in_june)
    withdrawn = receive(practices[0], next(chance), at=drafted_in_june)
    take_back(withdrawn, is_mistake=False, at=drafted_in_june)

    figures = funnel(icb=icb, at=NOW)

    counted = {row.key: figures_of(row)["issued"] for row in figures.by_month}
    assert {month: count for month, count in counted.items() if count} == {
        "2026-06": 1,
        "2026-08": 1,
    }


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("seed", [1, 3])
def test_two_ways_of_counting_agree(
    icb: Organisation, practices: list[Organisation], elsewhere: Organisation, seed: int
) -> None:
    populate([*practices, elsewhere], size=24, chance=random.Random(seed))  # noqa: S311
    months = {f"2025-{month:02}" for month in (12,)} | {
        f"2026-{month:02}" for month in range(1, 12)
    }
    mine = of_icb(icb, months)

    fast = funnel(icb=icb, at=NOW)

    total = slowly_counted(iter(mine))
    assert figures_of(fast.total) == total
    assert all(total.values()), "a population in which every step was taken by somebody"
    assert total["issued"] < Referral.objects.count(), "and somebody is not counted"
    assert {row.key: figures_of(row) for row in fast.by_month} == {
        month: slowly_counted(one for one in mine if month_of(one) == month) for month in months
    }
    assert {row.key: figures_of(row) for row in fast.by_practice} == {
        practice.ods_code: slowly_counted(one for one in mine if one.practice == practice)
        for practice in practices
        if any(one.practice == practice for one in mine)
    }


@pytest.mark.usefixtures("exact")
def test_every_step_is_counted_in_the_month_of_issue(
    icb: Organisation, practices: list[Organisation]
) -> None:
    populate(practices, size=8, chance=random.Random(5))  # noqa: S311

    figures = funnel(icb=icb, at=NOW)

    for row in figures.by_month:
        counts = figures_of(row)
        assert all(counts["issued"] >= count for count in counts.values())


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize(
    ("moment", "month"),
    [
        ("2026-05-31T22:59:59Z", "2026-05"),  # a minute to midnight, British Summer Time
        ("2026-05-31T23:00:00Z", "2026-06"),
        ("2026-06-30T23:59:59Z", "2026-07"),
        ("2026-01-31T23:59:59Z", "2026-01"),  # Greenwich Mean Time
        ("2026-02-01T00:00:00Z", "2026-02"),
        ("2026-03-29T00:59:59Z", "2026-03"),  # clocks go forward
        ("2026-10-31T23:59:59Z", "2026-10"),
        ("2025-11-30T23:59:59Z", ""),  # thirteen months ago
        ("2025-12-01T00:00:00Z", "2025-12"),
        ("2026-11-30T23:59:59Z", "2026-11"),
        ("2026-12-01T00:00:00Z", ""),  # a month to come
    ],
)
def test_months_are_londons(
    icb: Organisation, practices: list[Organisation], moment: str, month: str
) -> None:
    receive(practices[0], next(people(seed=1)), at=datetime.fromisoformat(moment))

    figures = funnel(icb=icb, at=NOW)

    assert [row.key for row in figures.by_month if figures_of(row)["issued"]] == (
        [month] if month else []
    )
    assert figures_of(figures.total)["issued"] == (1 if month else 0)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize(
    ("now", "provisional"),
    [
        ("2026-06-28T12:00:00Z", ["2026-05", "2026-06"]),
        ("2026-06-29T12:00:00Z", ["2026-06"]),
        ("2026-07-01T12:00:00Z", ["2026-06", "2026-07"]),
    ],
)
def test_a_month_is_provisional_while_links_of_it_may_be_open(
    icb: Organisation, now: str, provisional: list[str]
) -> None:
    figures = funnel(icb=icb, at=datetime.fromisoformat(now))

    assert [row.key for row in figures.by_month if row.is_provisional] == provisional


@pytest.mark.parametrize(
    ("now", "last_month"),
    [
        ("2026-06-30T22:59:59Z", date(2026, 6, 1)),
        ("2026-06-30T23:00:00Z", date(2026, 7, 1)),
        ("2026-12-31T23:59:59Z", date(2026, 12, 1)),
        ("2027-01-01T00:00:00Z", date(2027, 1, 1)),
    ],
)
def test_the_funnel_ends_with_this_month_in_london(
    icb: Organisation, now: str, last_month: date
) -> None:
    figures = funnel(icb=icb, at=datetime.fromisoformat(now))

    assert figures.last_month == last_month
    assert len(figures.by_month) == 12
    assert figures.by_month[-1].is_provisional
    assert figures.by_month[0].key == f"{figures.first_month:%Y-%m}"


@pytest.mark.usefixtures("exact")
def test_another_icbs_referrals_are_never_counted(
    icb: Organisation, elsewhere: Organisation
) -> None:
    for person in islice(people(seed=2), 3):
        receive(elsewhere, person, at=NOW)

    assert figures_of(funnel(icb=icb, at=NOW).total)["issued"] == 0
    other_icb = Organisation.objects.get(ods_code=cast.OTHER_ICB)
    assert figures_of(funnel(icb=other_icb, at=NOW).total)["issued"] == 3


# Faces


def copies(of: Referral, how_many: int, chance: random.Random) -> list[Referral]:
    """Unsaved copies of a referral, each as far as chance takes it. Only their milestones matter here."""
    made = []
    for _ in range(how_many):
        received = of.received_at - timedelta(days=chance.randrange(330))
        copy = Referral(
            reference=f"{chance.getrandbits(46):x}"[:12],
            practice=of.practice,
            icb=of.icb,
            patient=of.patient,
            status=of.status,
            task_status=of.task_status,
            business_status=of.business_status,
            received_at=received,
            issued_at=received,
            told_at=received,
        )
        for step in STEPS[1 : 1 + chance.randrange(len(STEPS))]:
            setattr(copy, step.milestone, received)
        made.append(copy)
    return made


@pytest.fixture
def populous(practices: list[Organisation]) -> None:
    """Enough referrals that some figures are shown, some hidden and some none."""
    chance = random.Random(8)  # noqa: S311
    for practice, how_many in zip(practices, (150, 31, 4), strict=True):
        first = receive(practice, next(people(seed=how_many)), at=NOW)
        Referral.objects.bulk_create(copies(first, how_many, chance))
    # A name that a spreadsheet would work out, a browser would obey and CSV would take apart.
    Organisation.objects.filter(pk=practices[1].pk).update(name='=1+1,"<script>alert(1)</script>')


class Tables(HTMLParser):
    """The cells of every row of every table: a list of the pieces of text in each."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[list[str]]]] = []
        self.is_in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append([])
            self.is_in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.is_in_cell = False

    def handle_data(self, data: str) -> None:
        if self.is_in_cell and data.strip():
            self.tables[-1][-1][-1].append(data.strip())


def from_json(figures: dict[str, Any]) -> dict[tuple[str, str, str], tuple[int | None, int | None]]:
    """(table, label, step) → (count, percentage)."""
    return {
        (table, row["label"], step): (count["value"], share)
        for table in ("total", "by_month", "by_practice")
        for row in ([figures[table]] if table == "total" else figures[table])
        for step, count, share in zip(
            figures["steps"], row["counts"], row["percentages"], strict=True
        )
    }


def from_csv(text: str) -> dict[tuple[str, str, str], tuple[int | None, int | None]]:
    return {
        (line["table"], line["label"].removeprefix("'"), line["step"]): (
            None if line["count"] == "[c]" else int(line["count"]),
            int(line["percent_of_issued"]) if line["percent_of_issued"] else None,
        )
        for line in csv.DictReader(io.StringIO(text))
    }


def from_page(page: str) -> dict[tuple[str, str, str], tuple[int | None, int | None]]:
    parser = Tables()
    parser.feed(page)
    whole, by_month, by_practice = parser.tables
    found: dict[tuple[str, str, str], tuple[int | None, int | None]] = {}
    for step, row in zip(STEPS, whole[1:], strict=True):
        share = row[3][0]
        found["total", "All referrals", step.key] = (
            count_in(row[2]),
            None if share == "–" else int(share.removesuffix("%")),
        )
    for table, lines in (("by_month", by_month[1:]), ("by_practice", by_practice[1:])):
        for label, *cells in lines:
            for step, cell in zip(STEPS, cells, strict=True):
                found[table, label[0], step.key] = (count_in(cell), share_in(cell))
    return found


def count_in(cell: list[str]) -> int | None:
    return None if cell[0] == "[c]" else int(cell[0].replace(",", ""))


def share_in(cell: list[str]) -> int | None:
    return next((int(text[:-1]) for text in cell if text.endswith("%")), None)


@pytest.mark.usefixtures("populous")
def test_page_json_and_csv_hold_the_same_figures(commissioner: Client) -> None:
    with time_machine.travel(NOW):
        as_json = commissioner.get("/api/measures/funnel")
        as_csv = commissioner.get("/api/measures/funnel.csv")
        page = commissioner.get("/commissioner/")

    assert as_csv["Content-Type"] == "text/csv; charset=utf-8"
    figures = from_json(json.loads(as_json.content))
    assert from_csv(as_csv.content.decode()) == figures
    shown_on_page = from_page(page.content.decode())
    # The page leaves out the share of the first step below the total: it would always be 100.
    for (table, label, step), (count, share) in figures.items():
        is_left_out = step == "issued" and table != "total"
        assert shown_on_page.pop((table, label, step)) == (count, None if is_left_out else share)
    assert shown_on_page == {}
    kinds = Counter("hidden" if count is None else bool(count) for count, _ in figures.values())
    assert min(kinds["hidden"], kinds[True]) > 10


@pytest.mark.usefixtures("populous")
def test_no_figure_in_any_face_is_an_exact_count(
    icb: Organisation, commissioner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(NOW):
        figures = from_json(json.loads(commissioner.get("/api/measures/funnel").content))

    for (table, _label, _step), (count, share) in figures.items():
        assert count is None or count % 5 == 0
        assert table != "by_practice" or count != 0
        assert share is None or 0 <= share <= 100
    monkeypatch.setattr(measures, "shown", lambda count, *, is_whole_icb: Shown(count))
    exact_counts = {cell.value for row in rows_of(funnel(icb=icb, at=NOW)) for cell in row.cells}
    assert any(count and count % 5 for count in exact_counts)


def rows_of(figures: Funnel) -> list[Row]:
    return [figures.total, *figures.by_month, *figures.by_practice]


@pytest.mark.usefixtures("populous")
def test_a_practice_with_few_referrals_is_not_listed(
    commissioner: Client, practices: list[Organisation]
) -> None:
    with time_machine.travel(NOW):
        figures = json.loads(commissioner.get("/api/measures/funnel").content)
        faces = [
            commissioner.get(path).content.decode()
            for path in ("/commissioner/", "/api/measures/funnel", "/api/measures/funnel.csv")
        ]

    listed = {row["key"] for row in figures["by_practice"]}
    assert listed == {practice.ods_code for practice in practices[:2]}
    assert not any(str(practices[2].ods_code) in face for face in faces)


@pytest.mark.usefixtures("populous")
def test_a_name_is_never_taken_for_a_formula_or_for_markup(commissioner: Client) -> None:
    with time_machine.travel(NOW):
        spreadsheet = commissioner.get("/api/measures/funnel.csv").content.decode()
        page = commissioner.get("/commissioner/").content.decode()

    labels = {line["label"] for line in csv.DictReader(io.StringIO(spreadsheet))}
    assert "'=1+1,\"<script>alert(1)</script>" in labels
    assert "<script" not in page


@pytest.mark.usefixtures("populous")
def test_another_icb_sees_nothing_of_it(other_icb: Client) -> None:
    with time_machine.travel(NOW):
        figures = json.loads(other_icb.get("/api/measures/funnel").content)

    assert figures["icb"]["ods_code"] == cast.OTHER_ICB
    assert {count["value"] for count in figures["total"]["counts"]} == {0}
    assert figures["by_practice"] == []


@pytest.mark.parametrize(
    "path", ["/api/measures/funnel", "/api/measures/funnel.csv", "/commissioner/"]
)
@pytest.mark.usefixtures("populous")
def test_another_icb_and_an_absent_one_are_answered_alike(
    other_icb: Client, practices: list[Organisation], path: str
) -> None:
    codes = (cast.ICB, "ZZZ", str(practices[0].ods_code))
    foreign, absent, practice = (other_icb.get(path, {"icb": code}) for code in codes)

    assert foreign.status_code == absent.status_code == practice.status_code == 404
    assert foreign.content == absent.content == practice.content


@pytest.mark.parametrize("path", ["/api/measures/funnel", "/api/measures/funnel.csv"])
@pytest.mark.parametrize("role", [None, Role.CLINICIAN, Role.COMMUNITY_COORDINATOR])
def test_only_a_commissioner_sees_figures(
    db: None, icb: Organisation, path: str, role: Role | None
) -> None:
    user = User.objects.create_user("someone@example.org", "a long password")
    if role:
        Membership.objects.create(user=user, organisation=icb, role=role)
    browser = Client()
    browser.force_login(user)

    answer = browser.get(path)

    assert answer.status_code == 404


def test_a_commissioner_of_a_practice_is_no_commissioner_of_its_icb(
    practices: list[Organisation],
) -> None:
    user = User.objects.create_user("someone@example.org", "a long password")
    Membership.objects.create(user=user, organisation=practices[0], role=Role.COMMISSIONER)
    browser = Client()
    browser.force_login(user)

    assert browser.get("/api/measures/funnel").status_code == 404


def test_somebody_who_was_switched_off_sees_nothing(commissioner: Client) -> None:
    User.objects.update(is_active=False)

    assert commissioner.get("/api/measures/funnel").status_code == 401


def test_a_clinical_systems_token_opens_no_figures(gp_system: cast.ClinicalSystem) -> None:
    assert gp_system.get("/api/measures/funnel", Accept="application/json").status_code == 401


def test_a_commissioner_of_two_icbs_may_ask_for_either(commissioner: Client) -> None:
    second = Organisation.objects.get(ods_code=cast.OTHER_ICB)
    Membership.objects.create(user=User.objects.get(), organisation=second, role=Role.COMMISSIONER)

    for code in (cast.ICB, cast.OTHER_ICB):
        figures = json.loads(commissioner.get("/api/measures/funnel", {"icb": code}).content)

        assert figures["icb"]["ods_code"] == code
    assert figures["last_month"] == f"{localdate():%Y-%m}"
