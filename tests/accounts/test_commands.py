"""Letting people and hosts in, from the command line."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.actors import member_actor
from accounts.members import has_role
from accounts.models import HostKey, Membership, Organisation, Role, User
from audit.models import Action, Entry

pytestmark = pytest.mark.django_db


def said(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_a_new_commissioner_can_sign_in_and_see_their_icb() -> None:
    words = said("add_member", "New.Person@icb.example", "--ods", "QMF").split()
    password = words[2]

    browser = Client()
    form = {"login": "new.person@icb.example", "password": password}
    answer = browser.post("/accounts/login/", form)

    assert answer["Location"] == "/commissioner/"
    assert "North East London" in browser.get("/commissioner/").content.decode()


def test_adding_somebody_again_changes_nothing() -> None:
    said("add_member", "a@icb.example", "--ods", "QMF")
    before = User.objects.get().password

    assert "First password" not in said("add_member", "A@icb.example", "--ods", "QMF")

    assert User.objects.get().password == before
    assert Membership.objects.count() == 1
    assert Entry.objects.filter(action=Action.MEMBER_ADDED).count() == 1


def test_who_was_let_in_where_and_as_what_is_recorded_without_their_address() -> None:
    said("add_member", "a@icb.example", "--ods", "QMF")

    entry = Entry.objects.get(action=Action.MEMBER_ADDED)
    icb = Organisation.objects.get(ods_code="QMF")
    assert (entry.actor, entry.target) == ("system", f"User/{User.objects.get().pk}")
    assert entry.detail == {"role": "commissioner", "organisation": str(icb.pk)}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Example Peer Network (fictional)", "community-coordinator"),
        ("Whoever runs this", "clinical-reviewer"),
        ("Whoever runs this", "lived-experience-reviewer"),
    ],
)
def test_hosts_and_the_operator_are_named(name: str, role: str) -> None:
    said("add_member", "a@host.example", "--name", name, "--role", role)

    member = Membership.objects.select_related("organisation").get()
    assert (member.organisation.name, member.role) == (name, role)
    assert has_role(member_actor(member.user, organisation=member.organisation), Role(role))


@pytest.mark.parametrize(
    ("where", "role"),
    [
        (("--name", "Nobody"), "community-coordinator"),
        (("--ods", "QMF"), "clinical-reviewer"),
        (("--ods", "F84003"), "commissioner"),
    ],
)
def test_nobody_gets_a_role_where_it_does_not_count(where: tuple[str, str], role: str) -> None:
    with pytest.raises(CommandError, match="would work"):
        said("add_member", "a@icb.example", *where, "--role", role)

    assert not User.objects.exists()


@pytest.mark.parametrize(("email", "ods"), [("nobody", "QMF"), ("a@icb.example", "XXX")])
def test_what_cannot_be_is_said(email: str, ods: str) -> None:
    with pytest.raises(CommandError):
        said("add_member", email, "--ods", ods)

    assert not User.objects.exists()


def test_a_host_gets_an_address_and_a_secret() -> None:
    host = "Example Peer Network (fictional)"

    made = json.loads(said("add_host_key", host))

    key = HostKey.objects.latest("registered_at")
    assert made["address"].endswith(f"/api/events/{key.pk}")
    assert made["secret"] == key.secret
    entry = Entry.objects.get(action=Action.HOST_KEY_MADE)
    assert (entry.actor, entry.target) == ("system", f"HostKey/{key.pk}")
    with pytest.raises(CommandError):
        said("add_host_key", "Nobody")
