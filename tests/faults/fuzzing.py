"""Sends broken requests of every kind to the whole product and judges each answer. Seeded: the same seed, the same run."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from django.conf import settings
from django.test import Client
from standardwebhooks import Webhook

from audit.models import Action, Entry
from config.fictional import people
from integrations.fhir.bindings import ISSUE_TYPES
from jobs.models import Job, JobKind
from referrals.models import Referral, StatusChange
from tests import cast
from tests.api.answers import row_counts
from tests.faults.mutations import NASTY, as_bytes, mutated

FORM = "application/x-www-form-urlencoded"
SIGN_IN_AFTER = 1_000  # requests, so that no token grows old
PUBLISHED = Path(settings.BASE_DIR).parent / "shared" / "fhir-examples"
_COLLECTIONS = [
    "/fhir/R4/ServiceRequest",
    "/fhir/R4/Patient",
    "/fhir/R4/Task",
    "/fhir/R4",
    "/fhir/R4/",
]
_READ = [
    "/fhir/R4/ServiceRequest/{}", "/fhir/R4/ServiceRequest/{}/_history/{}", "/fhir/R4/Task/{}", "/fhir/R4/Task/{}/_history/{}",
    "/fhir/R4/Patient/{}", "/fhir/R4/Task?focus={}", "/fhir/R4/Task?{}={}", "/fhir/R4/{}", "/fhir/R4/metadata?_format={}",
    "/fhir/R4/.well-known/smart-configuration?{}", "/api/measures/funnel?icb={}", "/api/measures/funnel.csv?icb={}",
    "/api/events/{}", "/api/conditions?{}", "/r/{}", "/{}", "/metrics?{}", "/health/ready?{}", "/commissioner/?icb={}", "/accounts/{}",
]  # fmt: skip
_METHODS = [
    "GET",
    "GET",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
]
_FORMS = [
    "/r/",
    "/r/check",
    "/r/choose",
    "/r/share",
    "/r/leave",
    "/r/decline",
    "/r/close",
    "/accounts/login/",
    "/oauth2/token",
]
_FIELDS = ["code", "day", "month", "year", "offer", "reason", "tell_community", "tell_practice", "login", "password", "next",
           "grant_type", "client_assertion_type", "client_assertion", "scope"]  # fmt: skip
_HEADERS = ["If-Match", "If-None-Match", "If-None-Exist", "If-Modified-Since", "Prefer", "Accept-Language", "Range", "Cookie",
            "X-Request-ID", "X-Correlation-ID", "NHSD-Target-Identifier", "Content-Encoding", "Expect", "Forwarded",
            "X-Forwarded-Proto", "X-HTTP-Method-Override", "Idempotency-Key"]  # fmt: skip
# What refused requests may leave: who was refused, and that it was counted or answered.
_TRACES = {
    "audit_entry",
    "django_session",
    "accounts_usedassertion",
    "accounts_accesstoken",
    "accounts_token",
}


@dataclass(frozen=True)
class Shot:
    """One request to send."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Score:
    """What came of all of them."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    told_to_come_back: int = 0
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        """In one sentence."""
        classes = Counter(f"{status // 100}xx" for status in self.statuses.elements())
        shares = ", ".join(f"{number} {name}" for name, number in sorted(classes.items()))
        return (
            f"{self.requests} requests: {shares}; {self.told_to_come_back} times 503 with Retry-After;"
            f" {len(self.faults)} faults"
        )


def good_documents() -> list[dict[str, Any]]:
    """What mutations begin with beside referrals as we take them: our examples, and what others have published."""
    own = Path(settings.BASE_DIR) / "tests" / "integrations" / "fhir" / "examples"
    texts = [path.read_text(encoding="utf-8") for path in sorted(own.glob("*.json"))]
    for path in sorted(PUBLISHED.rglob("*.json")):
        text = path.read_text(encoding="utf-8-sig")
        if len(text) < 20_000:
            texts.append(text)
    documents = [json.loads(text) for text in texts]
    return [document for document in documents if isinstance(document, dict)]


class Range:
    """Where shots are fired: a clinical system, a community, a commissioner and a patient, each signed in."""

    def __init__(
        self, *, system: cast.ClinicalSystem, community: cast.Community, browser: Client, seed: int
    ) -> None:
        self._chance = random.Random(seed)  # noqa: S311  (not a secret)
        self._system, self._community, self._browser = system, community, browser
        self._documents = good_documents()
        self._crowd = people(seed=seed)
        self.score = Score()
        self._counts: dict[
            str, int
        ] = {}  # of rows, as the last shot has left them, if that is known
        for client in (system.http, community.http, browser):
            client.raise_request_exception = False

    def shots(self) -> Iterator[Shot]:
        """Shots without end."""
        kinds = [self._document] * 6 + [self._read, self._read, self._form, self._events]
        while True:
            yield self._chance.choice(kinds)()

    def fire(self, shot: Shot) -> None:
        """Send it and judge the answer."""
        if self.score.requests % SIGN_IN_AFTER == 0:
            self._system.sign_in()
            self._counts = {}
        self.score.requests += 1
        before, self._counts = self._counts or row_counts(), {}
        is_page = not shot.path.startswith(("/fhir", "/api/events", "/oauth2"))
        client = self._browser if is_page else self._system.http
        headers = {"Authorization": f"Bearer {self._system.token}", **shot.headers}
        try:
            answer = client.generic(
                shot.method, shot.path, shot.body, shot.content_type,
                headers={name: value for name, value in headers.items() if not is_page or name != "Authorization"},
            )  # fmt: skip
        except Exception as error:
            self._fault(shot, f"raised {type(error).__name__}: {error}")
            return
        self.score.statuses[answer.status_code] += 1
        if sentence := self._judge(shot, answer):
            self._fault(shot, f"{answer.status_code} {sentence} {answer.content[:300]!r}")
        if answer.status_code >= 400 and not is_page:
            self._expect_nothing_written(shot, before)

    def _judge(self, shot: Shot, answer: cast.Answer) -> str:
        status = answer.status_code
        if status == 503 and "Retry-After" in answer:
            self.score.told_to_come_back += 1
        elif status >= 500:
            return "is a fault of ours"
        path = f"{shot.path.partition('?')[0]}/"
        # SMART's own document has plain JSON around it, and a HEAD has no body to look at.
        is_fhir = path.startswith("/fhir/") and ".well-known" not in path and shot.method != "HEAD"
        return _fault_of_outcome(answer) if is_fhir and status >= 400 else ""

    def _expect_nothing_written(self, shot: Shot, before: dict[str, int]) -> None:
        after = self._counts = row_counts()
        grown = {table for table, number in after.items() if number != before[table]} - _TRACES
        if grown:
            self._fault(shot, f"was refused and wrote to {sorted(grown)}")

    def _fault(self, shot: Shot, sentence: str) -> None:
        told = f"{shot.method} {shot.path[:200]} {shot.content_type} {shot.headers} {shot.body[:2000]!r}"
        self.score.faults.append(f"{sentence}\n  {told}")

    def _headers(self) -> dict[str, str]:
        chance = self._chance
        headers = {
            chance.choice(_HEADERS): self._text() for _ in range(chance.choice((0, 0, 0, 1, 2)))
        }
        if chance.random() < 0.05:
            headers["Authorization"] = self._text()
        if chance.random() < 0.05:
            headers["Accept"] = chance.choice(
                ("application/xml", "text/html", "*/*;q=0", self._text())
            )
        return headers

    def _text(self) -> str:
        """Something nasty that fits into a header."""
        texts = [value for value in NASTY if isinstance(value, str)] + [
            'W/"1"',
            '"',
            "Bearer",
            "identifier=a|b",
        ]
        text = self._chance.choice(texts)[:5_000]
        return "".join(sign for sign in text if " " <= sign <= "~" or "\xa0" <= sign <= "\xff")

    def _document(self) -> Shot:
        chance = self._chance
        # Every other one is a new referral, which comes furthest in.
        is_referral = chance.random() < 0.5
        begin = (
            cast.referral_for(next(self._crowd)) if is_referral else chance.choice(self._documents)
        )
        body = as_bytes(mutated(begin, chance), chance)
        kind = cast.FHIR_JSON
        if chance.random() < 0.05:
            kind = chance.choice(
                (
                    "application/json",
                    "text/plain",
                    "application/fhir+xml",
                    FORM,
                    "",
                    "multipart/form-data",
                )
            )
        method = "POST" if chance.random() < 0.95 else chance.choice(_METHODS)
        return Shot(
            method, chance.choice(_COLLECTIONS[:1] * 10 + _COLLECTIONS), body, kind, self._headers()
        )

    def _read(self) -> Shot:
        chance = self._chance
        known = Referral.objects.order_by("?").values_list("pk", flat=True).first()
        parts = [
            quote(
                str(chance.choice((known, uuid4(), chance.choice(NASTY))))[:1_500].encode(
                    "utf-8", "surrogatepass"
                )
            )
            for _ in range(2)
        ]
        path = chance.choice(_READ).format(*parts)
        # Not from outside: how Django's test client, not a server, would read an address with two slashes at its front.
        return Shot(chance.choice(_METHODS), "/" + path.lstrip("/"), headers=self._headers())

    def _form(self) -> Shot:
        chance = self._chance
        fields = [
            (chance.choice(_FIELDS), str(chance.choice(NASTY))[:9_000])
            for _ in range(chance.randint(0, 8))
        ]
        body = urlencode(
            [(name, value.encode("utf-8", "surrogatepass")) for name, value in fields]
        ).encode()
        if chance.random() < 0.2:
            body = body.replace(b"%", b"", 3) + b"&%ff=%zz"
        kind = (
            FORM
            if chance.random() < 0.9
            else chance.choice(("application/json", "multipart/form-data; boundary=x", ""))
        )
        return Shot("POST", chance.choice(_FORMS), body, kind, self._headers())

    def _events(self) -> Shot:
        """A batch with a right signature, so that what is in it is read."""
        chance = self._chance
        batch = [cast.activity("psn_" + "a" * 26) for _ in range(chance.randint(1, 3))]
        body = as_bytes(mutated(batch, chance), chance)
        moment, message_id = datetime.now(UTC), f"msg_{uuid4().hex}"
        signed = Webhook(self._community.key.secret).sign(
            message_id, moment, body.decode("utf-8", "replace")
        )
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": signed,
        }
        return Shot(
            "POST",
            f"/api/events/{self._community.key.pk}",
            body,
            cast.BATCH,
            headers | self._headers(),
        )


def _fault_of_outcome(answer: cast.Answer) -> str:
    if not answer.get("Content-Type", "").startswith(cast.FHIR_JSON):
        return f"is told as {answer.get('Content-Type')}"
    try:
        outcome = json.loads(answer.content)
        codes = {issue["code"] for issue in outcome["issue"]}
    except (ValueError, LookupError, TypeError):
        return "is no OperationOutcome"
    is_outcome = outcome["resourceType"] == "OperationOutcome" and codes and codes <= ISSUE_TYPES
    return "" if is_outcome else "is no OperationOutcome with known codes"


def half_written() -> list[str]:
    """Referrals that lack a part: everything of one is written in one transaction, or nothing."""
    found = []
    for referral in Referral.objects.all():
        versions = list(
            StatusChange.objects.filter(referral=referral)
            .order_by("version", "pk")
            .values_list("version", flat=True)
        )
        if not versions or sorted(set(versions)) != list(range(1, max(versions) + 1)):
            found.append(f"{referral.pk} has the versions {versions}")
        received = Entry.objects.filter(
            action=Action.REFERRAL_RECEIVED, target=f"ServiceRequest/{referral.pk}"
        )
        if received.count() != 1:
            found.append(f"{referral.pk} was received {received.count()} times, says the audit")
        if not Job.objects.filter(
            kind=JobKind.MATCH, payload__referral_id=str(referral.pk)
        ).exists():
            found.append(f"{referral.pk} waits for nobody to match it")
    return found
