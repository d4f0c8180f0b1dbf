"""The codes in patients' hands: how they are typed does not matter, and what is no code finds nothing."""

import re
from uuid import UUID

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from audit.models import Action, Entry
from config.fictional import Person
from privacy.fields import key_ids
from referrals import codes
from referrals.models import Link
from tests import cast
from tests.api.answers import stored_text
from tests.referrals import steps

TYPED = re.compile(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}")


def a_link(number: int = 7) -> Link:
    return Link(pk=UUID(int=number), code_key=key_ids()[0])


@given(st.integers(0, 2**128 - 1))
def test_a_code_for_paper_has_twelve_letters_that_are_not_taken_for_one_another(
    number: int,
) -> None:
    assert TYPED.fullmatch(codes.typed_code_of(a_link(number)))


def test_every_letter_of_a_code_for_paper_can_be_any_of_the_32() -> None:
    made = [codes.typed_code_of(a_link(number)).replace("-", "") for number in range(2000)]

    for place in range(codes.TYPED_LENGTH):
        assert {code[place] for code in made} == set(codes.TYPED_LETTERS)


def test_how_a_long_code_is_written_does_not_matter() -> None:
    code = codes.code_of(a_link())
    written = f" {code[:4]}-{code[4:8].upper()} {code[8:].replace('o', '0').replace('b', '8')} "

    assert codes.wanted(written) == codes.wanted(code)
    assert codes.wanted(code[:-1]) != codes.wanted(code)


@pytest.mark.parametrize(
    "written",
    ["0123-4567-89AB", "o1234567 89ab", "OI23.4567.89ab", "ol23–4567–89AB", "0123456789AB"],
)
def test_how_a_code_for_paper_is_typed_does_not_matter(written: str) -> None:
    assert codes.wanted(written) == codes.wanted("0123-4567-89AB")


def test_the_code_for_paper_tells_nothing_of_the_long_one() -> None:
    link = a_link()

    assert codes.typed_code_of(link).replace("-", "").lower() not in codes.code_of(link)
    assert codes.typed_code_of(link) != codes.typed_code_of(a_link(8))


@pytest.mark.parametrize("written", ["", "x", "٣" * 12, "\x00", "a" * 100, ",", "%27"])
def test_what_is_no_code_finds_nothing(db: None, written: str) -> None:
    assert not Link.objects.filter(codes.wanted(written).condition).exists()


# On paper


@pytest.fixture
def letter(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> str:
    """The text of a letter to somebody without phone and e-mail."""
    resource = cast.referral_for(person)
    resource["contained"][0].pop("telecom")
    assert gp_system.post("/fhir/R4/ServiceRequest", resource).status_code == 201
    run_jobs()
    [message] = messages()
    assert message["channel"] == "letter"
    return str(message["body"])


def test_a_letter_says_where_to_go_and_what_to_type(letter: str) -> None:
    assert TYPED.search(letter)
    assert re.search(r"https?://[^/]+/r/ ", letter)
    assert codes.code_of(Link.objects.get()) not in letter


@pytest.mark.parametrize("which", ["typed", "long"])
def test_either_code_opens_the_link_when_it_is_typed(
    letter: str, person: Person, patient_browser: Client, which: str
) -> None:
    found = TYPED.search(letter)
    assert found
    code = found[0].lower() if which == "typed" else codes.code_of(Link.objects.get()).upper()
    assert patient_browser.post("/r/", {"code": f" {code} "})["Location"] == "/r/start"

    assert cast.give_birth_date(patient_browser, person)["Location"] == "/r/about"

    assert Entry.objects.filter(action=Action.LINK_OPENED).count() == 1


def test_the_code_for_paper_is_kept_nowhere(letter: str) -> None:
    found = TYPED.search(letter)
    assert found

    assert found[0] not in stored_text()
    assert found[0].replace("-", "") not in stored_text().upper()


def test_a_link_that_goes_out_by_phone_has_no_short_code(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)

    assert referral.links.get().typed_hash is None
