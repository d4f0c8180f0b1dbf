"""People who work on the directory: a host's coordinator and the operator's reviewers."""

from typing import Any

from django.test import Client

from accounts.actors import Actor, member_actor
from accounts.models import Membership, Organisation, Role, User

# What a host has to state of a new community, and a little more.
NEW = {
    "name": "Example Allotment Talk (fictional)",
    "summary": "A made-up forum for people with depression who garden.",
    "url": "https://allotment-talk.example/",
    "kind": "moderated_forum",
    "conditions": ["depression"],
    "audience": ["patients"],
    "languages": ["en"],
    "areas": ["nation:UK"],
    "min_age": 18,
    "moderated_by": "staff",
    "moderation_model": "post",
    "moderator_hours": [[day, "08:00", "22:00"] for day in range(1, 8)],
    "moderator_training": "Made up: a two-day course",
    "first_response_minutes": 90,
    "crisis_policy": "Made up: shows the crisis page and tells the lead",
    "search_visibility": "members_only",
    "anonymity": "pseudonym_allowed",
}


def member(name: str, organisation: Organisation, role: Role) -> Actor:
    """Somebody new with a role in an organisation."""
    user = User.objects.create_user(f"{name}@example.test")
    Membership.objects.create(user=user, organisation=organisation, role=role)
    return member_actor(user, organisation=organisation)


def organisation(kind: str, name: str = "") -> Organisation:
    """A host or operator of this name, made when it is new."""
    found: tuple[Organisation, Any] = Organisation.objects.get_or_create(
        kind=kind, name=name or f"Example {kind} (fictional)"
    )
    return found[0]


def coordinator(host: Organisation, name: str = "coordinator") -> Actor:
    """A host's coordinator."""
    return member(name, host, Role.COMMUNITY_COORDINATOR)


def clinician(name: str = "clinician") -> Actor:
    """The operator's clinical reviewer."""
    return member(name, organisation("operator"), Role.CLINICAL_REVIEWER)


def expert_by_experience(name: str = "expert") -> Actor:
    """The operator's lived-experience reviewer."""
    return member(name, organisation("operator"), Role.LIVED_EXPERIENCE_REVIEWER)


def browser_of(actor: Actor) -> Client:
    """A browser in which this person is signed in."""
    browser = Client()
    browser.force_login(User.objects.get(pk=actor.id))
    return browser
