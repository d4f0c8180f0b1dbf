"""The people and systems of the tests, each as one sees the service from where they are."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from joserfc.jwk import ECKey
from standardwebhooks import Webhook

from accounts import scopes
from accounts.models import HostKey, Membership, Organisation, Role, User
from accounts.registering import register_client
from config.fictional import Person, referral_of
from jobs.running import work
from scripts.signing import ASSERTION_TYPE, new_key, public_keys, signed_assertion
from tests import application_role

if TYPE_CHECKING:  # what Django's test client answers with has no public name
    from django.test.client import _MonkeyPatchedWSGIResponse

    Answer = _MonkeyPatchedWSGIResponse
else:
    Answer = HttpResponse

ICB = "QMF"  # NHS North East London
PRACTICE = "F84003"
OTHER_ICB = "QE1"  # NHS Lancashire and South Cumbria
FHIR_JSON = "application/fhir+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"

RunJobs = Callable[[], int]
Messages = Callable[[], list[dict[str, Any]]]

_LINK = re.compile(r"https?://[^/\s]+(/r/\S+)")


@dataclass
class ClinicalSystem:
    """A registered clinical system. It signs in at /oauth2/token when it first asks for something."""

    organisation: Organisation
    client_id: str
    key: ECKey
    scope: str
    http: Client = field(default_factory=Client)
    token: str = ""

    def sign_in(self) -> str:
        """Get a new token, as a real system does every few minutes."""
        address = f"{settings.PUBLIC_BASE_URL}/oauth2/token"
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signed_assertion(
                self.key, client_id=self.client_id, audience=address, at=timezone.now()
            ),
            "scope": self.scope,
        }
        body = "&".join(f"{name}={value.replace('/', '%2F')}" for name, value in form.items())
        answer = self.http.post(
            "/oauth2/token", body, content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code == 200, answer.content
        self.token = answer.json()["access_token"]
        return self.token

    def get(self, path: str, **headers: str) -> Answer:
        """GET with the token. ``headers`` as names with underscores: ``If_Match="…"``."""
        return self.http.get(path, headers=self._headers(headers))

    def post(self, path: str, resource: Any, **headers: str) -> Answer:
        """POST a resource (or bytes as they stand) with the token."""
        body = resource if isinstance(resource, bytes | str) else json.dumps(resource)
        return self.http.post(
            path,
            body,
            content_type=headers.pop("Content_Type", FHIR_JSON),
            headers=self._headers(headers),
        )

    def put(self, path: str, resource: Any, **headers: str) -> Answer:
        """PUT a resource with the token."""
        return self.http.put(
            path, json.dumps(resource), content_type=FHIR_JSON, headers=self._headers(headers)
        )

    def patch(self, path: str, changes: Any, **headers: str) -> Answer:
        """PATCH with a JSON Patch and the token."""
        return self.http.patch(
            path,
            json.dumps(changes),
            content_type=headers.pop("Content_Type", "application/json-patch+json"),
            headers=self._headers(headers),
        )

    def delete(self, path: str, **headers: str) -> Answer:
        """DELETE with the token."""
        return self.http.delete(path, headers=self._headers(headers))

    def refer(self, person: Person, **more: str) -> Answer:
        """Refer somebody: POST a ServiceRequest with the patient inside."""
        return self.post("/fhir/R4/ServiceRequest", referral_for(person, **more))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        token = self.token or self.sign_in()
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"Authorization": f"Bearer {token}", **named}


@dataclass
class Community:
    """A community's own software. It knows pseudonyms and its signing secret, nothing else."""

    key: HostKey
    http: Client = field(default_factory=Client)
    statements: int = 0

    def report(self, *events: dict[str, Any]) -> Answer:
        """POST a signed batch of events."""
        return self.send(json.dumps(events).encode())

    def send(self, body: bytes, *, at: datetime | None = None, content_type: str = BATCH) -> Answer:
        """POST bytes with a right signature."""
        path = f"/api/events/{self.key.pk}"
        return self.http.post(path, body, content_type=content_type, headers=self.signed(body, at))

    def state(self, community: str, capacity: Any, *, content_type: str = JSON) -> Answer:
        """PUT what is stated of a community's places (or bytes as they stand), signed a second after the one before."""
        self.statements += 1
        if isinstance(capacity, dict):
            capacity = {"community": community} | capacity
        body = capacity if isinstance(capacity, bytes) else json.dumps(capacity).encode()
        return self.put_places(
            community,
            body,
            self.signed(body, timezone.now() + timedelta(seconds=self.statements)),
            content_type=content_type,
        )

    def put_places(
        self, community: str, body: bytes, headers: dict[str, str], *, content_type: str = JSON
    ) -> Answer:
        """PUT a statement as somebody has signed it."""
        path = f"/api/communities/{community}/capacity"
        return self.http.put(path, body, content_type=content_type, headers=headers)

    def signed(self, body: bytes, at: datetime | None = None) -> dict[str, str]:
        """The headers of a body that this host signs."""
        moment, message_id = at or timezone.now(), f"msg_{uuid4().hex}"
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(self.key.secret).sign(message_id, moment, body.decode()),
        }


def clinical_system(organisation: Organisation, *, scope: str = scopes.DEFAULT) -> ClinicalSystem:
    """Register a clinical system with a key of its own."""
    key = new_key()
    client = register_client(
        name=f"System of {organisation.name}",
        ods_code=organisation.ods_code or "",
        jwks=public_keys(key),
        scope=scope,
        at=timezone.now(),
    )
    return ClinicalSystem(organisation, str(client.pk), key, scope)


def run_jobs() -> int:
    """Work through the due jobs, and those that follow from them, in this process. Says how many."""
    done = 0
    with application_role.as_product():
        while taken := work(most=50):
            done += taken
    return done


def commissioner_of(ods_code: str) -> Client:
    """A browser in which a commissioner of this ICB is signed in."""
    icb = Organisation.objects.get(ods_code=ods_code)
    user = User.objects.create_user(f"{ods_code.lower()}@commissioner.example", "a long password")
    Membership.objects.create(user=user, organisation=icb, role=Role.COMMISSIONER)
    browser = Client()
    browser.force_login(user)
    return browser


def referral_for(person: Person, **more: str) -> dict[str, Any]:
    """A ServiceRequest with the patient inside and a fresh identifier."""
    given = {"base_url": settings.PUBLIC_BASE_URL, "identifier": uuid4().hex, **more}
    return referral_of(person, **given)


def activity(
    pseudonym: str, kind: str = "visited", *, count: int = 1, **more: Any
) -> dict[str, Any]:
    """One CloudEvents event of the engagement contract, of this moment."""
    return {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "urn:community:example",
        "type": f"peer.engagement.{kind}.v1",
        "subject": pseudonym,
        "time": datetime.now(UTC).isoformat(),
        "data": {"count": count},
        **more,
    }


def link_in(message: dict[str, Any]) -> str:
    """The path of the link in a message: ``/r/<code>``."""
    found = _LINK.search(message["body"])
    assert found, "the message has no link"
    return found[1]


def open_link(browser: Client, path: str, person: Person) -> Answer:
    """Follow a link and give the right date of birth; the answer to that."""
    browser.get(path)
    return give_birth_date(browser, person)


def give_birth_date(browser: Client, person: Person) -> Answer:
    """Say who it is, after the code."""
    born = person.birth_date
    return browser.post("/r/check", {"day": born.day, "month": born.month, "year": born.year})
