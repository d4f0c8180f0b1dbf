"""The operators' admin: signed in like everywhere, nothing of patients, nothing secret, and no way round a use case."""

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import reverse

from accounts.models import Organisation, User
from audit.models import Action, Entry
from communities.models import Community, Condition
from privacy.classes import Privacy
from tests import cast
from web.admin import Shown, site

pytestmark = pytest.mark.django_db

MODELS = sorted(site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def operator(db: None) -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("operator@example.test", "a long password"))
    return browser


def test_a_stranger_is_sent_to_the_one_page_for_signing_in(stranger: Client) -> None:
    answer = stranger.get("/admin/", follow=True)

    assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=/admin/")
    stranger.post("/admin/login/", {"username": "operator@example.test", "password": "x"})
    assert stranger.get("/admin/").status_code == 302


def test_whoever_is_no_operator_is_refused(commissioner: Client) -> None:
    assert commissioner.get("/admin/", follow=True).status_code == 403
    assert commissioner.get("/admin/communities/community/", follow=True).status_code == 403


def test_only_models_whose_every_field_is_open_are_there() -> None:
    classes = {model._meta.label: getattr(model, "PRIVACY", {}) for model in MODELS}

    assert [
        label for label, kinds in classes.items() if set(kinds.values()) != {Privacy.OPEN}
    ] == []
    assert {model._meta.app_label for model in MODELS} == {"accounts", "communities"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_page_opens_under_the_policy_that_it_is_sent_with(
    operator: Client, model: type, gp_system: cast.ClinicalSystem
) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"  # type: ignore[attr-defined]
    row = model._default_manager.first()  # type: ignore[attr-defined]
    pages = [reverse(f"{name}_changelist"), reverse(f"{name}_changelist") + "?q=e"]
    if row:
        pages.append(reverse(f"{name}_change", args=[row.pk]))

    for page in pages:
        answer = operator.get(page, follow=True)
        text = answer.content.decode()
        assert answer.status_code == 200, page
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert "unsafe-inline" not in answer["Content-Security-Policy"]
        assert ' style="' not in text
        assert " onclick=" not in text
        assert "<style" not in text


@pytest.mark.parametrize(
    "model",
    [model for model in MODELS if isinstance(site._registry[model], Shown)],
    ids=lambda model: model._meta.label,
)
def test_what_a_use_case_owns_is_only_read(operator: Client, model: type) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"  # type: ignore[attr-defined]
    row = model._default_manager.first()  # type: ignore[attr-defined]

    assert operator.get(reverse(f"{name}_add")).status_code == 403
    if row:
        assert (
            operator.post(reverse(f"{name}_change", args=[row.pk]), {"name": "x"}).status_code
            == 403
        )
        assert (
            operator.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code
            == 403
        )


def test_only_conditions_and_organisations_can_be_changed() -> None:
    changed = {model.__name__ for model in MODELS if not isinstance(site._registry[model], Shown)}

    assert changed == {"Condition", "Organisation"}


def test_what_the_ods_knows_is_not_changed_by_hand(operator: Client) -> None:
    board = Organisation.objects.get(ods_code=cast.ICB)
    host = Organisation.objects.filter(kind="host").order_by("name")[0]

    nobody = Organisation.objects.get(name="unknown")
    before = host.updated_at

    for organisation, status in ((board, 403), (nobody, 403), (host, 302)):
        answer = operator.post(
            f"/admin/accounts/organisation/{organisation.pk}/change/",
            {"kind": organisation.kind, "name": "Another name"},
        )
        assert answer.status_code == status

    host.refresh_from_db()
    assert host.name == "Another name"
    assert host.updated_at > before
    made = operator.post("/admin/accounts/organisation/add/", {"kind": "icb", "name": "Made up"})
    assert made.status_code == 200
    assert not Organisation.objects.filter(name="Made up").exists()


def test_no_secret_is_shown(operator: Client, gp_system: cast.ClinicalSystem) -> None:
    user = User.objects.get(email="operator@example.test")
    user.password = make_password("another long password")
    user.save()
    operator.force_login(user)

    pages = (
        operator.get(f"/admin/accounts/user/{user.pk}/change/").content.decode(),
        operator.get(f"/admin/accounts/client/{gp_system.client_id}/change/").content.decode(),
    )

    assert user.email in pages[0]
    assert user.password not in pages[0]
    assert str(gp_system.organisation.name) in pages[1]
    assert '"kty"' not in pages[1]
    assert "jwks" not in pages[1].lower()


def test_conditions_can_be_worded_anew(operator: Client) -> None:
    condition = Condition.objects.get(key="depression")
    codes = list(condition.codes.order_by("pk"))
    form = {
        "label": "Low mood", "group": condition.group, "people": condition.people,
        "broader": condition.broader,
        "codes-TOTAL_FORMS": str(len(codes)), "codes-INITIAL_FORMS": str(len(codes)),
    }  # fmt: skip
    for number, code in enumerate(codes):
        form |= {
            f"codes-{number}-{code._meta.pk.name}": str(code.pk),
            f"codes-{number}-condition": "depression",
            f"codes-{number}-snomed_code": code.snomed_code,
            f"codes-{number}-term": code.term,
        }

    answer = operator.post("/admin/communities/condition/depression/change/", form)

    assert answer.status_code == 302, answer.content.decode()
    condition.refresh_from_db()
    assert condition.label == "Low mood"
    assert Community.objects.filter(conditions=condition).exists()


@pytest.mark.parametrize(
    "asked",
    [
        "accounts/user/?password__startswith=p",
        "accounts/user/?password=p",
        "accounts/organisation/?memberships__user__password__startswith=p",
        "accounts/client/?jwks__contains=k",
        "communities/condition/?label__startswith=z&communities__host__memberships__user__password__gt=a",
    ],
)
def test_an_address_asks_only_for_what_can_be_searched(operator: Client, asked: str) -> None:
    assert operator.get(f"/admin/{asked}").status_code == 400


def test_the_filters_of_the_pages_still_work(operator: Client) -> None:
    for asked in ("accounts/organisation/?kind__exact=host", "accounts/client/?is_active__exact=1"):
        assert operator.get(f"/admin/{asked}").status_code == 200


def test_a_change_in_the_admin_is_in_the_audit_and_the_kind_stays(operator: Client) -> None:
    host = Organisation.objects.filter(kind="host").order_by("name")[0]

    answer = operator.post(
        f"/admin/accounts/organisation/{host.pk}/change/", {"kind": "operator", "name": "Renamed"}
    )

    host.refresh_from_db()
    entry = Entry.objects.get(action=Action.REFERENCE_CHANGED)
    assert answer.status_code == 302
    assert (host.kind, host.name) == ("host", "Renamed")
    assert (entry.target, entry.detail) == (f"Organisation/{host.pk}", {"fields": "name"})
    assert str(User.objects.get(email="operator@example.test").pk) in entry.actor


def test_a_new_organisation_has_not_changed_yet_and_tiers_are_those_of_today(
    operator: Client,
) -> None:
    Community.objects.filter(key="f002").update(review_due="2020-01-01", reviewed_on="2019-01-01")

    form = operator.get(reverse("admin:accounts_organisation_add")).content.decode()
    rows = operator.get(reverse("admin:communities_community_changelist"), {"q": "f002"})

    assert "Updated at" not in form
    assert '<td class="field-tier">U</td>' in rows.content.decode()
