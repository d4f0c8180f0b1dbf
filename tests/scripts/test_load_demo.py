"""``manage.py load_demo``: only where DEMO=1, the same log-ins each time, and figures that can be shown."""

import json
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from nhs_number.validate import is_valid
from pytest_django import Settings

from config.fictional import people
from config.management.commands import load_demo
from jobs.models import Job, JobState
from referrals.models import Referral
from tests.cast import Messages

pytestmark = pytest.mark.django_db


@pytest.fixture
def logins(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.DEMO = True
    monkeypatch.setattr(load_demo, "REFERRALS", 20)
    return tmp_path / "logins.json"


def _load(logins: Path, **options: Any) -> dict[str, str]:
    call_command("load_demo", logins=logins, stdout=StringIO(), **options)
    loaded: dict[str, str] = json.loads(logins.read_text(encoding="utf-8"))
    return loaded


def test_it_refuses_where_real_patients_may_be(settings: Settings) -> None:
    settings.DEMO = False

    with pytest.raises(CommandError, match="only runs where DEMO=1 is set"):
        call_command("load_demo")


def test_a_second_run_changes_nothing(logins: Path, messages: Messages) -> None:
    first = _load(logins)
    referrals = Referral.objects.count()

    assert _load(logins) == first
    assert Referral.objects.count() == referrals == 21
    assert len(messages()) == 1  # the past's messages went nowhere


def test_the_log_ins_open_the_pages(logins: Path) -> None:
    loaded = _load(logins)
    browser = Client()

    signed_in = browser.post(
        "/accounts/login/",
        {"login": loaded["commissioner_email"], "password": loaded["commissioner_password"]},
    )

    assert signed_in.status_code == 302
    assert browser.get("/api/measures/funnel").json()["total"]["counts"][0]["value"] == 20
    day, month, year = loaded["patient_birth_date"].split()
    browser.get(loaded["patient_path"])
    opened = browser.post("/r/check", {"day": day, "month": month, "year": year})
    assert opened["Location"] == "/r/about"


def test_everybody_signs_in_to_their_own_pages(logins: Path) -> None:
    loaded = _load(logins, no_past=True)

    for name, page in (
        ("coordinator", "/community/"),
        ("clinical_reviewer", "/reviews/"),
        ("lived_experience_reviewer", "/reviews/"),
        ("operator", "/admin/"),
    ):
        browser = Client()
        form = {"login": loaded[f"{name}_email"], "password": loaded[f"{name}_password"]}
        assert browser.post("/accounts/login/", form)["Location"] == page
        assert browser.get(page).status_code == 200


def test_lost_log_ins_are_made_anew(logins: Path) -> None:
    first = _load(logins, no_past=True)
    logins.unlink()

    second = _load(logins, no_past=True)

    assert second["commissioner_password"] != first["commissioner_password"]
    assert Client().login(
        email=second["commissioner_email"], password=second["commissioner_password"]
    )


def test_no_work_is_left_over_but_the_ends_of_links(logins: Path) -> None:
    _load(logins)

    left = Job.objects.exclude(state=JobState.DONE).values_list("kind", flat=True)

    assert set(left) <= {"end-link"}


def test_files_with_secrets_are_the_owner_s(logins: Path) -> None:
    _load(logins, no_past=True)

    kept = [logins, logins.with_name("logins-client-key.json")]
    assert [file.stat().st_mode & 0o777 for file in kept] == [0o600, 0o600]


def test_fictional_people_have_numbers_that_are_never_given_out() -> None:
    crowd = list(islice(people(seed=3), 200))

    assert len({person.nhs_number for person in crowd}) == 200
    assert all(
        number.startswith("999") and is_valid(number) for number in (p.nhs_number for p in crowd)
    )
    assert all(person.phone.startswith("07700 900") for person in crowd)
