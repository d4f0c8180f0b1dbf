"""The commissioner's page by HTTP: whose figures, and none that may not be seen."""

import re
from typing import TYPE_CHECKING

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Membership, Organisation, Role, User
from config.fictional import people
from referrals.models import Referral
from tests import cast

if TYPE_CHECKING:  # what Django's test client answers with has no public name
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

PAGE = "/commissioner/"
REFERRED = 20
MOST_QUERIES = 11  # two of them say on PostgreSQL whose figures these are


@pytest.fixture
def referred(gp_system: cast.ClinicalSystem) -> None:
    """Enough referrals of one practice to be shown, and few of them opened."""
    persons = people(seed=3)
    for _ in range(REFERRED):
        assert gp_system.refer(next(persons)).status_code == 201
    few = Referral.objects.order_by("pk").values_list("pk", flat=True)[:3]
    Referral.objects.filter(pk__in=list(few)).update(
        delivered_at=timezone.now(), opened_at=timezone.now()
    )


def text_of(answer: "Answer") -> str:
    return answer.content.decode()


def cells(answer: "Answer", label: str) -> list[str]:
    """The figures of the first line with this label."""
    row = re.findall(rf'scope="row">{label}\b.*?</tr>', text_of(answer), re.DOTALL)[0]
    found = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
    return [shown[0] for cell in found if (shown := strip_tags(cell).split())]


def test_the_page_asks_who_is_there(stranger: Client) -> None:
    answer = stranger.get(PAGE)

    assert answer["Location"] == f"/accounts/login/?next={PAGE}"


@pytest.mark.usefixtures("referred")
def test_small_counts_are_hidden_and_percentages_with_them(commissioner: Client) -> None:
    answer = commissioner.get(PAGE)

    assert cells(answer, "Issued") == ["20", "100%"]
    assert "[c]" in cells(answer, "Link opened")
    assert "15%" not in text_of(answer)
    practice = Organisation.objects.get(ods_code=cast.PRACTICE).name
    assert cells(answer, practice) == ["20", *["[c]"] * 5]
    assert text_of(answer).count("<title>") == 1


@pytest.mark.usefixtures("referred")
def test_another_boards_figures_are_not_there(other_icb: Client, commissioner: Client) -> None:
    assert commissioner.get(f"{PAGE}?icb={cast.ICB}").status_code == 200

    for asked in (cast.ICB, "QQQ", "x" * 500, "'"):
        assert other_icb.get(PAGE, {"icb": asked}).status_code == 404
    assert cells(other_icb.get(PAGE), "Issued") == ["0", "–"]


@pytest.mark.usefixtures("referred")
def test_whoever_has_two_boards_chooses_between_them(commissioner: Client) -> None:
    other = Organisation.objects.get(ods_code=cast.OTHER_ICB)
    user = User.objects.get(email__startswith=cast.ICB.lower())
    Membership.objects.create(user=user, organisation=other, role=Role.COMMISSIONER)

    answer = commissioner.get(PAGE, {"icb": cast.OTHER_ICB})

    assert f'<option value="{cast.OTHER_ICB}" selected>' in text_of(answer)
    assert cells(answer, "Issued") == ["0", "–"]
    assert f"icb={cast.OTHER_ICB}" in text_of(answer)


def test_whoever_has_no_board_is_told_so(stranger: Client) -> None:
    stranger.force_login(User.objects.create_user("nobody@example.org", "a long password"))

    assert "Your account is not linked" in text_of(stranger.get(PAGE))


def test_the_newest_month_is_marked_as_provisional(commissioner: Client) -> None:
    """The one before it too, as long as a link of it may be open (see the test of the measure)."""
    months = re.findall(
        r'scope="row">([A-Z][a-z]+ \d{4})(.*?)</th>', text_of(commissioner.get(PAGE))
    )

    assert len(months) == 12
    marked = [bool(re.search("Provisional", rest)) for _, rest in months]
    assert marked in ([False] * 11 + [True], [False] * 10 + [True] * 2)


@pytest.mark.usefixtures("referred")
def test_the_page_does_not_ask_more_with_more_referrals(
    commissioner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(MOST_QUERIES):
        commissioner.get(PAGE)


def test_the_page_is_kept_nowhere_and_only_shows(commissioner: Client) -> None:
    assert "no-store" in commissioner.get(PAGE)["Cache-Control"]
    for method in (commissioner.post, commissioner.put, commissioner.delete):
        assert method(PAGE).status_code == 405


# Signing in


def test_signing_in_takes_the_right_password(stranger: Client) -> None:
    User.objects.create_user("one@example.org", "a long password")

    wrong = stranger.post("/accounts/login/", {"login": "one@example.org", "password": "no"})
    right = stranger.post(
        "/accounts/login/", {"login": "one@example.org", "password": "a long password"}
    )

    assert "The email address or the password is not right." in text_of(wrong)
    assert right["Location"] == PAGE


@pytest.mark.parametrize("path", ["signup/", "email/", "confirm-email/", "password/set/"])
def test_accounts_are_made_and_moved_by_the_operator_alone(
    commissioner: Client, stranger: Client, path: str
) -> None:
    for browser in (commissioner, stranger):
        for answer in (browser.get(f"/accounts/{path}"), browser.post(f"/accounts/{path}")):
            assert answer.status_code == 404


def test_a_second_step_can_be_set_up(commissioner: Client) -> None:
    user = User.objects.get(email__startswith=cast.ICB.lower())
    browser = Client()
    browser.post("/accounts/login/", {"login": user.email, "password": "a long password"})

    answer = browser.get("/accounts/2fa/totp/activate/", follow=True)

    assert "unverified" not in text_of(answer).lower()
    assert answer.status_code == 200


def test_forgetting_a_password_tells_nobody_who_has_an_account(
    stranger: Client, settings: Settings
) -> None:
    User.objects.create_user("one@example.org", "a long password")
    answers = [
        stranger.post(
            "/accounts/password/reset/", {"email": address}, headers={"Host": "127.0.0.1:9"}
        )
        for address in ("one@example.org", "two@example.org")
    ]
    assert [answer["Location"] for answer in answers] == ["/accounts/password/reset/done/"] * 2
    # Nobody makes us write to strangers; and the address in it is ours, whatever Host was sent.
    [sent] = mail.outbox
    assert (sent.to, f"{settings.PUBLIC_BASE_URL}/accounts/password/reset/key/" in sent.body) == (
        ["one@example.org"],
        True,
    )

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    away = stranger.post("/accounts/password/reset/", {"email": "one@example.org"})

    assert away["Location"] == "/accounts/password/reset/done/"


def test_behind_a_proxy_one_strangers_wrong_passwords_do_not_keep_others_out(
    settings: Settings,
) -> None:
    settings.BEHIND_PROXY = True
    User.objects.create_user("one@example.org", "a long password")

    def sign_in(email: str, password: str, sender: str) -> "Answer":
        form = {"login": email, "password": password}
        return Client().post(
            "/accounts/login/", form, headers={"X-Forwarded-For": f"6.6.6.6, {sender}"}
        )

    guesses = [sign_in(f"guess{n}@example.org", "wrong", "203.0.113.9") for n in range(40)]
    own = sign_in("one@example.org", "a long password", "198.51.100.7")

    assert guesses[-1].status_code == 429
    assert (own.status_code, own["Location"]) == (302, "/commissioner/")
