"""Those who meet the service over HTTP and know nothing else of it: a clinical system, people's browsers, a community."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from html import unescape
from html.parser import HTMLParser
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    ProxyHandler,
    Request,
    build_opener,
)
from uuid import uuid4

from joserfc.jwk import ECKey, RSAKey
from standardwebhooks import Webhook

from scripts.signing import ASSERTION_TYPE, signed_assertion

FHIR_JSON = "application/fhir+json"
BATCH = "application/cloudevents-batch+json"
FORM = "application/x-www-form-urlencoded"
_SECONDS = 20
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)

    @property
    def place(self) -> str:
        """Where a redirect points, without the host."""
        return re.sub(r"^https?://[^/]+", "", self.headers.get("Location", ""))


class _NoRedirects(HTTPRedirectHandler):
    """Redirects are looked at, not followed."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """No new request."""


class Http:
    """One outsider's way to the service: its address, and cookies of its own."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        # No proxy: the service is on this machine, whatever the environment says of others.
        self._opener = build_opener(
            _NoRedirects(), HTTPCookieProcessor(CookieJar()), ProxyHandler({})
        )

    def send(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET, or POST when there is a body."""
        address = urljoin(self.base_url, path)
        request = Request(address, data=body, headers=dict(headers or {}))  # noqa: S310  (http: our own)
        try:
            with self._opener.open(request, timeout=_SECONDS) as response:
                return _answer(response)
        except HTTPError as error:
            with error:
                return _answer(error)


def _answer(response: HTTPResponse | HTTPError) -> Answer:
    status = response.status or 0
    return Answer(status, dict(response.headers.items()), response.read().decode("utf-8"))


class Browser:
    """A browser without JavaScript, looking at one page at a time."""

    def __init__(self, base_url: str) -> None:
        self._http = Http(base_url)
        self._page = ""

    def get(self, path: str) -> Answer:
        """Go to an address; redirects are shown, not followed."""
        return self._seen(self._http.send(path))

    def submit(self, path: str, **fields: object) -> Answer:
        """Send the form on the page that is open, with its CSRF token."""
        token = _CSRF.search(self._page)
        form = {"csrfmiddlewaretoken": token[1] if token else "", **fields}
        return self._seen(self._http.send(path, urlencode(form).encode(), {"Content-Type": FORM}))

    def _seen(self, answer: Answer) -> Answer:
        if answer.text:
            self._page = answer.text
        return answer

    def values_of(self, name: str) -> list[str]:
        """The values of the inputs of this name on the page that is open."""
        inputs = re.findall(r"<input[^>]*>", self._page)
        named = [item for item in inputs if f'name="{name}"' in item]
        return [unescape(value) for item in named for value in re.findall(r'value="([^"]*)"', item)]

    def links(self) -> list[str]:
        """Where the links on the page that is open lead."""
        return [unescape(link) for link in re.findall(r'<a[^>]*href="([^"]*)"', self._page)]

    def rows(self) -> list[list[str]]:
        """The cells of every table row on the page that is open."""
        reader = _Rows()
        reader.feed(self._page)
        return reader.rows


class _Rows(HTMLParser):
    """Collects the text of table cells."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._is_in_cell = False

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        """A row or a cell begins."""
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._is_in_cell = True

    def handle_endtag(self, tag: str) -> None:
        """A cell ends."""
        if tag in ("td", "th"):
            self._is_in_cell = False

    def handle_data(self, data: str) -> None:
        """Text, wanted inside cells only."""
        if self._is_in_cell:
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data.strip()}".strip()


class ClinicalSystem:
    """A registered clinical system with its private key."""

    def __init__(self, base_url: str, *, client_id: str, key: ECKey | RSAKey, scope: str) -> None:
        self._http = Http(base_url)
        self._client_id = client_id
        self._key = key
        self._scope = scope
        self._token = ""

    def sign_in(self) -> Answer:
        """Exchange a signed assertion for a token (SMART Backend Services)."""
        assertion = signed_assertion(
            self._key,
            client_id=self._client_id,
            audience=f"{self._http.base_url}/oauth2/token",
            at=datetime.now(UTC),
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": self._scope,
        }
        answer = self._http.send("/oauth2/token", urlencode(form).encode(), {"Content-Type": FORM})
        if answer.status == 200:
            self._token = answer.json()["access_token"]
        return answer

    def get(self, path: str) -> Answer:
        """Read a resource."""
        return self._http.send(f"/fhir/R4/{path}", headers=self._headers())

    def post(
        self, path: str, resource: dict[str, Any], more: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a resource, perhaps with ``more`` headers."""
        headers = {**self._headers(), "Content-Type": FHIR_JSON, **(more or {})}
        return self._http.send(f"/fhir/R4/{path}", json.dumps(resource).encode(), headers)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "Accept": FHIR_JSON}


class Community:
    """A community's own software: it knows pseudonyms from links and its signing secret."""

    def __init__(self, base_url: str, *, path: str, secret: str) -> None:
        self._http = Http(base_url)
        self._path = path
        self._secret = secret

    def visits(self, pseudonyms: Iterable[str]) -> list[dict[str, Any]]:
        """A batch of CloudEvents: each of these members has been there today."""
        return [
            {
                "specversion": "1.0",
                "id": uuid4().hex,
                "source": "urn:community:journey",
                "type": "peer.engagement.visited.v1",
                "subject": pseudonym,
                "time": datetime.now(UTC).isoformat(),
                "data": {"count": 1, "granularity": "day"},
            }
            for pseudonym in pseudonyms
        ]

    def report(self, batch: list[dict[str, Any]], *, secret: str = "") -> Answer:
        """Post a batch, signed with our own secret or with a given one."""
        now, message_id, body = datetime.now(UTC), f"msg_{uuid4().hex}", json.dumps(batch)
        signature = Webhook(secret or self._secret).sign(message_id, now, body)
        headers = {
            "Content-Type": BATCH,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        return self._http.send(self._path, body.encode(), headers)
