"""Every address × verb × role × whose thing it is, generated from the URL resolver, against what is declared here.

An address that is in no group of ``test_routes`` fails there; one in a group is asked for by everybody here.
Another's thing and one that is not there must answer alike, byte for byte.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import DjangoDbBlocker, Settings

from accounts.actors import Actor
from audit.models import Entry
from communities.models import Community as Listing
from integrations.fhir.exports.models import Export
from integrations.fhir.sources import evidence
from integrations.fhir.subscriptions.models import Subscription
from referrals.models import Patient, PatientVersion, Referral, StatusChange
from tests import cast, standing
from tests.architecture import test_routes, world
from tests.architecture.world import Fingerprint, Holding, World, absent, fingerprint
from tests.communities import people
from tests.communities.people import browser_of

pytestmark = pytest.mark.django_db

VERBS = ("get", "head", "post", "put", "patch", "delete", "options")
OWNERS = ("own", "other practice", "other ICB", "absent")
BROWSERS = (
    "stranger", "patient", "other patient", "commissioner", "other commissioner",
    "staff without a role",
)  # fmt: skip
# The part of an address behind /fhir/R4/ that says whose thing is asked for: what a practice holds of it.
_KIND = {
    "ServiceRequest": "referral",
    "Task": "referral",
    "Patient": "patient",
    "AuditEvent": "entry",
    "Provenance": "provenance",
    "Subscription": "subscription",
    "Group": "organisation",
    "Organization": "organisation",
    "export": "export",
}


# What is understood only with a header or a parameter, and how it says so.
_WITHOUT_MORE = {
    "fhir-match": 422,
    "fhir-export": 400,
    "fhir-patient-export": 400,
    "fhir-group-export": 400,
}
# Operations whose parameters may be sent by POST, but need not be sent at all.
_BY_POST_TOO = {
    "fhir-export", "fhir-patient-export", "fhir-group-export", "fhir-request-actions", "fhir-task-actions",
    "fhir-subscription-status",
}  # fmt: skip
# Which scope is needed depends on what is sent; to validate, none is, since nothing that is kept is looked at.
_ASKED_BY_CONTENT = {"fhir-transaction", "fhir-process-message"}


@pytest.fixture(scope="module")
def standing_world(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Built once for all tests here."""
    folder = tmp_path_factory.mktemp("world")
    with standing.rows(
        lambda: world.build(cast.run_jobs), folder=folder, blocker=django_db_blocker
    ) as built:
        yield built


@pytest.fixture
def the_world(standing_world: World, db: None, settings: Settings) -> World:
    """Asked thousands of times in a minute, which is not what is asked about here."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 1_000_000)
    return world.another(standing_world)


def _holding(the_world: World, owner: str) -> Holding | None:
    holdings = {
        "own": the_world.own,
        "other practice": the_world.neighbour,
        "other ICB": the_world.far,
    }
    return holdings.get(owner)


def _kind(route: str) -> str:
    """What is asked for by id at a route, if anything is."""
    pattern = str(test_routes.ROUTES[route].pattern)
    return _KIND.get(pattern.split("/")[2], "") if "_id>" in pattern else ""


def _asked_id(the_world: World, route: str, owner: str) -> str:
    holding, kind = _holding(the_world, owner), _kind(route)
    if holding and kind:
        return holding.ids()[kind]
    return f"{absent()}-1" if kind == "provenance" else absent()


def _address(route: str, **arguments: str) -> str:
    text = (
        str(test_routes.ROUTES[route].pattern).strip("^$").replace("/?", "").replace("(/.*)?", "")
    )
    given = {
        "version": "1",
        "number": "1",
        "code": "no-such-code",
        "resource_id": "x",
        "key": "f001",
        "revision_id": absent(),
        **arguments,
    }
    for name, value in given.items():
        for kind in ("str", "int", "uuid", "slug"):
            text = text.replace(f"<{kind}:{name}>", value)
    assert "<" not in text, f"{route}: the matrix does not know an argument of {text}"
    return f"/{text}"


def _has(route: str, verb: str) -> bool:
    """Whether the view behind a route answers this verb."""
    view: Any = test_routes.ROUTES[route].callback.cls  # type: ignore[attr-defined]
    return verb in view.http_method_names and hasattr(view, "get" if verb == "head" else verb)


def _send(system: cast.ClinicalSystem, verb: str, address: str) -> Any:
    headers = {"Authorization": f"Bearer {system.token or system.sign_in()}"}
    return getattr(system.http, verb)(address, headers=headers)


# Clinical systems


def _declared_for_system(route: str, verb: str, owner: str) -> set[int]:
    if not _has(route, verb):
        return {405}
    if verb == "options":
        return {200, 405}
    if verb in ("post", "put", "patch") and route not in _BY_POST_TOO:
        return {415}  # nothing was sent: what is sent is asked about below
    if route in _WITHOUT_MORE and (owner == "own" or not _kind(route)):
        return {_WITHOUT_MORE[route]}
    if not _kind(route) or route.endswith("compartment"):
        return {200} if "resource_id" not in str(test_routes.ROUTES[route].pattern) else {404}
    if verb == "delete":
        return {202, 204} if owner == "own" else {404}
    return {200} if owner == "own" else {404}


def test_a_clinical_system_reaches_its_own_practices_things_only(the_world: World) -> None:
    found: dict[tuple[str, str, str], Fingerprint] = {}
    # Last of all what takes things away.
    asked_for = product(sorted(test_routes.CLINICAL_SYSTEM), VERBS, OWNERS)
    for route, verb, owner in sorted(asked_for, key=lambda asked: asked[1] == "delete"):
        asked = _asked_id(the_world, route, owner)
        answer = _send(
            the_world.own.system, verb, _address(route, resource_id=asked, patient_id=asked)
        )
        found[route, verb, owner] = fingerprint(answer, asked)
    wrong = [
        (*key, answer.status)
        for key, answer in found.items()
        if answer.status not in _declared_for_system(*key)
    ]

    assert wrong == []
    assert list(_unlike_absent(found)) == []
    assert _traces(found, the_world) == []


def _declared_for_nothing(route: str, verb: str) -> set[int]:
    if not _has(route, verb) or verb == "options":
        return {200, 403, 405}
    is_open = route.endswith("validate") or route in _ASKED_BY_CONTENT
    return {415} if is_open else {403}


def test_a_token_that_covers_nothing_opens_nothing(the_world: World) -> None:
    narrow = cast.clinical_system(the_world.own.system.organisation, scope="system/Observation.r")
    found: dict[tuple[str, str, str], Fingerprint] = {}
    for route, verb, owner in product(sorted(test_routes.CLINICAL_SYSTEM), VERBS, OWNERS):
        asked = _asked_id(the_world, route, owner)
        answer = _send(narrow, verb, _address(route, resource_id=asked, patient_id=asked))
        found[route, verb, owner] = fingerprint(answer, asked)
    wrong = [
        (*key, answer.status)
        for key, answer in found.items()
        if answer.status not in _declared_for_nothing(*key[:2])
    ]

    assert wrong == []
    # Not even which of them is there: all four are alike.
    alike = {key: {found[*key, owner] for owner in OWNERS} for key in {key[:2] for key in found}}
    assert [key for key, answers in alike.items() if len(answers) > 1] == []


@pytest.mark.parametrize("browser", BROWSERS)
def test_nobody_without_a_token_reaches_fhir(the_world: World, browser: str) -> None:
    wrong = []
    for route, verb, owner in product(sorted(test_routes.CLINICAL_SYSTEM), VERBS, OWNERS):
        asked = _asked_id(the_world, route, owner)
        address = _address(route, resource_id=asked, patient_id=asked)
        answer = getattr(the_world.browsers[browser], verb)(address)
        if answer.status_code != 401:
            wrong.append((route, verb, owner, answer.status_code))

    assert wrong == []


@pytest.mark.parametrize("owner", ["other practice", "other ICB"])
def test_another_practices_patient_cannot_be_referred(the_world: World, owner: str) -> None:
    foreign = _holding(the_world, owner)
    assert foreign is not None

    def refer(patient_id: str) -> Fingerprint:
        sent = cast.referral_for(the_world.own.person) | {
            "subject": {"reference": f"Patient/{patient_id}"}
        }
        del sent["contained"]
        return fingerprint(the_world.own.system.post("/fhir/R4/ServiceRequest", sent), patient_id)

    assert refer(str(foreign.patient.pk)) == refer(absent())
    assert refer(absent()).status == 422


@pytest.mark.parametrize("owner", ["other practice", "other ICB"])
@pytest.mark.parametrize(
    "search", ["Task?focus=ServiceRequest/", "AuditEvent?entity=ServiceRequest/"]
)
def test_a_search_for_anothers_referral_finds_what_one_for_none_finds(
    the_world: World, owner: str, search: str
) -> None:
    foreign = _holding(the_world, owner)
    assert foreign is not None

    def find(referral_id: str) -> Fingerprint:
        answer = the_world.own.system.get(f"/fhir/R4/{search}{referral_id}")
        return fingerprint(answer, referral_id)

    own = find(str(the_world.own.referral.pk))
    assert (own.status, own.body == find(absent()).body) == (200, False)
    assert find(str(foreign.referral.pk)) == find(absent())


# People


@pytest.mark.parametrize(
    ("browser", "reaches"),
    [("commissioner", cast.ICB), ("other commissioner", cast.OTHER_ICB)],
)
def test_a_commissioner_reaches_the_own_boards_figures_only(
    the_world: World, browser: str, reaches: str
) -> None:
    wrong = []
    for route, verb in product(sorted(test_routes.SIGNED_IN), VERBS):
        answers = {}
        for icb in (cast.ICB, cast.OTHER_ICB, "QZZ"):
            address = f"{_address(route)}?icb={icb}"
            answer = getattr(the_world.browsers[browser], verb)(address)
            answers[icb] = fingerprint(answer, icb)
        foreign = cast.OTHER_ICB if reaches == cast.ICB else cast.ICB
        declared = 200 if verb in ("get", "head") else 405
        if verb == "options":
            continue  # tells the verbs to whoever is signed in, whatever the board
        if answers[reaches].status != declared or answers[foreign] != answers["QZZ"]:
            wrong.append((route, verb, answers[reaches].status, answers[foreign].status))

    assert wrong == []


@pytest.mark.parametrize("browser", ["stranger", "patient", "other patient"])
def test_nobody_else_reaches_figures(the_world: World, browser: str) -> None:
    wrong = []
    for route, verb in product(sorted(test_routes.SIGNED_IN), VERBS):
        answer = getattr(the_world.browsers[browser], verb)(_address(route))
        is_sent_away = answer.status_code == 302 and "/accounts/login/" in answer["Location"]
        if not (is_sent_away or answer.status_code in (401, 405)):
            wrong.append((route, verb, answer.status_code))

    assert wrong == []


def test_a_token_reaches_no_persons_page(the_world: World) -> None:
    pages = test_routes.SIGNED_IN | test_routes.PATIENT | _ROLE_PAGES
    for route in sorted(pages):
        answer = _send(the_world.own.system, "get", _address(route))

        assert answer.status_code in (302, 401), route


_ROLE_PAGES = test_routes.COORDINATOR | test_routes.REVIEWER


@pytest.mark.parametrize("browser", BROWSERS)
def test_nobody_without_the_role_reaches_the_pages_of_hosts_and_reviewers(
    the_world: World, browser: str
) -> None:
    wrong = []
    for route, verb in product(sorted(_ROLE_PAGES), VERBS):
        answer = getattr(the_world.browsers[browser], verb)(_address(route))
        is_sent_away = answer.status_code == 302 and "/accounts/login/" in answer["Location"]
        is_refused = answer.status_code == 403 and browser not in ("stranger", "patient")
        if not (is_sent_away or is_refused or answer.status_code == 405):
            wrong.append((route, verb, answer.status_code))

    assert wrong == []


@pytest.mark.parametrize("browser", BROWSERS)
def test_nobody_without_the_role_reaches_the_admin(the_world: World, browser: str) -> None:
    for verb in VERBS:
        answer = getattr(the_world.browsers[browser], verb)("/admin/communities/community/")

        assert answer.status_code in (302, 403)
        if answer.status_code == 302:
            assert "/admin/login/" in answer["Location"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_host_reaches_its_own_communities_pages_only(the_world: World, verb: str) -> None:
    host = the_world.own_host.key.organisation
    own = Listing.objects.filter(host=host).order_by("key")[0]
    foreign = Listing.objects.exclude(host=host).order_by("key")[0]
    browser = browser_of(people.coordinator(host, "matrix"))
    about_one = sorted(
        route
        for route in test_routes.COORDINATOR
        if "key" in str(test_routes.ROUTES[route].pattern)
    )

    for route in about_one:
        answers = [
            fingerprint(getattr(browser, verb)(_address(route, key=key)), key)
            for key in (foreign.key, "nothing")
        ]

        assert answers[0] == answers[1], route
        assert answers[0].status in (404, 405), route
        if verb == "get":
            assert browser.get(_address(route, key=own.key)).status_code == 200, route


def test_a_host_is_no_reviewer_and_a_reviewer_no_host(the_world: World) -> None:
    coordinator = browser_of(people.coordinator(the_world.own_host.key.organisation, "matrix"))
    reviewer = browser_of(people.clinician("matrix-reviewer"))

    for route in sorted(test_routes.REVIEWER):
        assert coordinator.get(_address(route)).status_code == 403, route
    for route in sorted(test_routes.COORDINATOR):
        assert reviewer.get(_address(route)).status_code == 403, route


@pytest.mark.parametrize("browser", [name for name in BROWSERS if "patient" not in name])
def test_nobody_else_reaches_a_patients_pages(the_world: World, browser: str) -> None:
    wrong = []
    for route, verb in product(sorted(test_routes.PATIENT), VERBS):
        answer = getattr(the_world.browsers[browser], verb)(_address(route))
        is_sent_away = answer.status_code == 302 and answer["Location"] == "/r/"
        if not (is_sent_away or answer.status_code == 405):
            wrong.append((route, verb, answer.status_code))

    assert wrong == []


def test_patients_see_their_own_way_only(the_world: World) -> None:
    own, other = the_world.own, the_world.neighbour
    for route, verb in product(sorted(test_routes.PATIENT), ("get", "put", "patch", "delete")):
        answer = getattr(the_world.browsers["patient"], verb)(_address(route))

        assert answer.status_code in ((200, 302) if verb == "get" else (405,)), (route, verb)
        assert not [mark for mark in other.marks() if mark in answer.content.decode()]

    def choose(offer_id: str) -> Fingerprint:
        answer = the_world.browsers["patient"].post("/r/choose", {"offer": offer_id})
        return fingerprint(answer, offer_id)

    assert choose(str(own.offer.pk)).status == 302
    assert choose(str(other.offer.pk)) == choose(absent())
    assert choose(absent()).status == 422


# Hosts


def test_a_host_reports_on_its_own_members_only(the_world: World) -> None:
    host = the_world.own_host.key.organisation
    foreign_listing = Listing.objects.exclude(host=host).order_by("key")[0]
    foreign = the_world.far.placement
    type(foreign).objects.filter(pk=foreign.pk).update(community=foreign_listing)

    def report(pseudonym: str) -> str:
        [receipt] = the_world.own_host.report(cast.activity(pseudonym)).json()["receipts"]
        return str(receipt["receipt"])

    assert report(the_world.own.placement.pseudonym) == "recorded"
    assert report(foreign.pseudonym) == report("psn_nobody") == "unknown-subject"


def test_one_hosts_secret_does_not_sign_for_another(the_world: World) -> None:
    own, other = the_world.own_host, the_world.other_host
    as_other = cast.Community(own.key)
    as_other.key.secret, other_secret = other.key.secret, own.key.secret

    answer = as_other.report(cast.activity(the_world.own.placement.pseudonym))
    unknown = Client().post(f"/api/events/{absent()}", b"[]", content_type=cast.BATCH)

    assert other_secret != other.key.secret
    assert (answer.status_code, answer.content) == (401, unknown.content)


@pytest.mark.parametrize("verb", VERBS)
def test_without_a_signature_nothing_is_taken(the_world: World, verb: str) -> None:
    for browser in the_world.browsers.values():
        answer = getattr(browser, verb)(f"/api/events/{the_world.own_host.key.pk}")

        assert answer.status_code in ((401, 415) if verb == "post" else (405, 200, 401))


def test_a_host_states_the_places_of_its_own_communities_only(the_world: World) -> None:
    own, other = the_world.own_host, the_world.other_host
    key = Listing.objects.filter(host=own.key.organisation).order_by("key")[0].key

    assert own.state(key, {"total": 5}).status_code == 200
    foreign, unknown = other.state(key, {"total": 5}), other.state("nothing", {"total": 5})
    assert (foreign.status_code, foreign.content) == (401, unknown.content)


@pytest.mark.parametrize("verb", VERBS)
def test_without_a_signature_no_places_are_stated(the_world: World, verb: str) -> None:
    key = Listing.objects.filter(host=the_world.own_host.key.organisation).order_by("key")[0].key
    for browser in the_world.browsers.values():
        answer = getattr(browser, verb)(f"/api/communities/{key}/capacity")

        assert answer.status_code in ((401, 415) if verb == "put" else (405, 200, 401))


# What is open to all


@pytest.mark.parametrize("browser", BROWSERS)
def test_what_is_open_to_all_tells_nobody_of_anybody(the_world: World, browser: str) -> None:
    marks = [
        mark
        for holding in (the_world.own, the_world.neighbour, the_world.far)
        for mark in holding.marks()
    ]
    for route, verb in product(sorted(test_routes.EVERYBODY - {"patient-close"}), VERBS):
        answer = getattr(the_world.browsers[browser], verb)(_address(route, path=""))

        assert answer.status_code < 500, (route, verb)
        assert not [mark for mark in marks if mark in answer.content.decode()], (route, verb)


def _account_routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        text = before + str(entry.pattern).strip("^$")
        if isinstance(entry, URLResolver):
            yield from _account_routes(entry, text)
        elif isinstance(entry, URLPattern) and text.startswith("accounts/"):
            yield text


@pytest.mark.parametrize("route", sorted(set(_account_routes(get_resolver()))))
def test_an_account_page_shows_a_stranger_a_way_to_sign_in_or_nothing(route: str) -> None:
    address = "/" + route.replace("(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/", "0-x/")

    for verb in VERBS:
        answer = getattr(Client(), verb)(address)

        assert answer.status_code in (200, 302, 404, 405), verb
        if answer.status_code == 302:
            assert "/accounts/" in answer["Location"] or answer["Location"] == "/"


# With the selectors' filters taken out


def _everything(self: Any, actor: Actor) -> Any:
    del actor
    return self.all()


def _all_told(self: Any, actor: Actor) -> Any:
    del actor
    return self.filter(is_told=True).select_related("request_document", "task_document")


# Whose rows the directory of organisations shows is the code's alone to say: they are everybody's to the database.
_BY_ID = sorted(
    route
    for route in test_routes.CLINICAL_SYSTEM
    if _kind(route)
    and _has(route, "get")
    and not re.search("Organization|Group|group|compartment", route)
)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite serves one organisation")
def test_the_database_refuses_even_when_the_code_forgets(
    the_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in (Referral, Patient, PatientVersion, Subscription, Export):
        monkeypatch.setattr(type(model._default_manager.all()), "visible_to", _everything)
    monkeypatch.setattr(type(StatusChange.objects.all()), "told_to", _all_told)
    # A frozen source takes no other rows in any other way.
    monkeypatch.setitem(vars(evidence.AUDIT_EVENT), "rows", lambda by: Entry.objects.all())
    found: dict[tuple[str, str, str], Fingerprint] = {}
    for route, owner in product(_BY_ID, OWNERS):
        asked = _asked_id(the_world, route, owner)
        answer = _send(
            the_world.own.system, "get", _address(route, resource_id=asked, patient_id=asked)
        )
        found[route, "get", owner] = fingerprint(answer, asked)

    assert {key: answer.status for key, answer in found.items()} == {
        (route, "get", owner): 200 if owner == "own" else 404
        for route, owner in product(_BY_ID, OWNERS)
    }
    assert list(_unlike_absent(found)) == []
    foreign = the_world.neighbour
    answers = [
        fingerprint(the_world.own.system.get(f"/fhir/R4/Task?focus=ServiceRequest/{asked}"), asked)
        for asked in (str(foreign.referral.pk), absent())
    ]
    assert answers[0] == answers[1]
    sent = cast.referral_for(the_world.own.person) | {
        "subject": {"reference": f"Patient/{foreign.patient.pk}"}
    }
    del sent["contained"]
    assert the_world.own.system.post("/fhir/R4/ServiceRequest", sent).status_code == 422
    # The test itself, which sees everybody's, would have found them.
    assert Referral.objects.count() == 3


def _unlike_absent(
    found: dict[tuple[str, str, str], Fingerprint],
) -> Iterator[tuple[str, str, str]]:
    for route, verb, owner in found:
        is_foreign = owner in ("other practice", "other ICB")
        if (
            is_foreign
            and _kind(route)
            and found[route, verb, owner] != found[route, verb, "absent"]
        ):
            yield route, verb, owner


def _traces(found: dict[tuple[str, str, str], Fingerprint], the_world: World) -> list[str]:
    others = [*the_world.neighbour.marks(), *the_world.far.marks()]
    return [mark for mark in others if any(mark in answer.body for answer in found.values())]
