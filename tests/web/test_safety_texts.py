"""Crisis wording comes from one place, is shown whole, and is reviewed in time (hazard H23)."""

import datetime as dt
import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string

from communities.safety import EMERGENCY, NHS_111, REVIEW_BY, TEXTS, Contact

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "web" / "templates").rglob("*.html"))

DRAWING = re.compile(r"<svg.*?</svg>", re.DOTALL)
ANY_NUMBER = re.compile(
    r"tel:|sms:"
    r"|(?<![\w.#-])(?:999|111|112|119)(?![\w.%-])"
    r"|(?<!\d)116[ -]?123(?!\d)"
    r"|(?<!\d)\d{5}(?!\d)"
    r"|(?<![\d.])(?:0|\+44)\d(?:[ -]?\d){5,10}(?!\d)"
)


def words_of(template: Path) -> str:
    return DRAWING.sub("", template.read_text())


def test_the_safety_texts_are_reviewed_before_their_date_runs_out() -> None:
    today = dt.datetime.now(dt.UTC).date()

    assert today <= REVIEW_BY, "have the contacts checked, then set REVIEWED_ON and REVIEW_BY"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_a_number_of_its_own(template: Path) -> None:
    assert ANY_NUMBER.findall(words_of(template)) == []


@pytest.mark.parametrize("contact", TEXTS.contacts, ids=lambda contact: contact.key)
def test_the_search_for_numbers_would_find_each_one(contact: Contact) -> None:
    written = contact.href if contact.channel == "web" else f"Call {contact.value} now"

    assert contact.channel == "web" or ANY_NUMBER.search(written)


@pytest.mark.parametrize("contact", TEXTS.contacts, ids=lambda contact: contact.key)
def test_every_contact_is_on_the_help_page_without_a_database(contact: Contact) -> None:
    page = render_to_string("help_now.html")

    assert f'href="{contact.href}"' in page
    assert contact.shown in page


def test_the_urgent_box_names_who_to_call_when_life_is_at_risk_first() -> None:
    box = render_to_string("patient/_urgent.html")

    shown = [box.index(f'href="{contact.href}"') for contact in TEXTS.urgent]
    assert TEXTS.urgent[0] is EMERGENCY
    assert shown == sorted(shown)


def test_the_mental_health_option_is_marked_as_england_only() -> None:
    box = render_to_string("patient/_urgent.html")

    assert NHS_111.country == "England"
    assert "England only" in box


def test_contacts_that_nobody_has_checked_say_so() -> None:
    page = render_to_string("help_now.html")

    assert (str(TEXTS.review_note) in page) is (TEXTS.reviewed_on is None)


def test_calls_and_texts_are_dialled_as_digits() -> None:
    dialled = [c.href.partition(":")[2] for c in TEXTS.contacts if c.channel != "web"]

    assert all(number.isdigit() for number in dialled)


@pytest.mark.parametrize("contact", TEXTS.contacts, ids=lambda contact: contact.key)
def test_the_list_for_the_reviewer_is_complete(contact: Contact) -> None:
    text = (ROOT / "docs" / "safety" / "texts.md").read_text()

    assert f"| {contact.key} | {contact.label} | {contact.value} | {contact.country} |" in text


def test_the_list_for_the_reviewer_names_the_review_date() -> None:
    text = (ROOT / "docs" / "safety" / "texts.md").read_text()

    assert f"Review by: {REVIEW_BY.isoformat()}" in text
