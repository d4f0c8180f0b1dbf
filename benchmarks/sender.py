"""The clinical system of the benchmarks: makes the requests that a server is asked, as the bytes that go over the wire."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import inf
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from benchmarks.processes import Web
from config.fictional import Person, patient_resource, referral_of, referral_resource
from scripts.outsiders import FHIR_JSON, ClinicalSystem, Http
from scripts.processes import HOST

PAGE = 20
_ROOT = "/fhir/R4"
_FRESH_SECONDS = 60  # of the five minutes that a token lives
_KNOWN = 100  # referrals and patients that are asked for in turn


@dataclass(frozen=True)
class Work:
    """One kind of request to one server: ``make`` makes so many of them, to be sent once each or again and again.

    ``by`` tells it from the same work that something else does.
    """

    name: str
    by: str
    web: Web
    make: Callable[[int], list[bytes]]
    is_repeated: bool
    expected: int


class Sender:
    """Sends to one server. Without a ``system`` that signs in, it sends a token that nobody looks at."""

    def __init__(
        self, name: str, web: Web, crowd: Iterator[Person], system: ClinicalSystem | None = None
    ) -> None:
        self.name = name
        self.web = web
        self._crowd = crowd
        self._system = system
        self._token_held, self._signed_in_at = "none", -inf
        self._referrals: list[str] = []
        self._patients: list[str] = []

    @property
    def create(self) -> Work:
        """POST of a ServiceRequest with the patient inside."""
        return Work("create", self.name, self.web, self._creates, is_repeated=False, expected=201)

    @property
    def transaction(self) -> Work:
        """POST of a Bundle with a Patient and a ServiceRequest."""
        make = self._transactions
        return Work("transaction", self.name, self.web, make, is_repeated=False, expected=200)

    @property
    def read(self) -> Work:
        """GET of ServiceRequests that are there."""
        return self._gets("read", [f"{_ROOT}/ServiceRequest/{one}" for one in self._referrals])

    @property
    def task_page(self) -> Work:
        """GET of a page of Tasks by status."""
        return self._gets("Task?status", [f"{_ROOT}/Task?status=requested&_count={PAGE}"])

    @property
    def of_patient(self) -> Work:
        """GET of a patient's ServiceRequests."""
        paths = [f"{_ROOT}/ServiceRequest?patient={patient}" for patient in self._patients]
        return self._gets("ServiceRequest?patient", paths)

    def listing(self, page: int) -> Work:
        """GET of this page of all Tasks, found once by following the links from the first."""
        path = f"{_ROOT}/Task?_count={PAGE}"
        for _ in range(page - 1):
            links = {link["relation"]: link["url"] for link in self._answer(path)["link"]}
            path = _without_host(links["next"])
        return self._gets("page of all Tasks", [path], by=f"page {page}")

    def look(self) -> None:
        """Learn some referrals and their patients."""
        page = self._answer(f"{_ROOT}/ServiceRequest?_count={_KNOWN}")
        found = [entry["resource"] for entry in page["entry"]]
        self._referrals = [referral["id"] for referral in found]
        self._patients = [referral["subject"]["reference"] for referral in found]

    def _answer(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self._token()}"}
        return Http(self.web.base_url).send(path, headers=headers).json()

    def _token(self) -> str:
        """A token that lives long enough for what is sent next."""
        now = time.monotonic()
        if self._system and now - self._signed_in_at > _FRESH_SECONDS:
            self._token_held = self._system.sign_in().json()["access_token"]
            self._signed_in_at = now
        return self._token_held

    def _gets(self, name: str, paths: list[str], *, by: str = "") -> Work:
        def make(_number: int) -> list[bytes]:
            token = self._token()
            return [self._raw("GET", path, token) for path in paths]

        return Work(name, by or self.name, self.web, make, is_repeated=True, expected=200)

    def _creates(self, number: int) -> list[bytes]:
        return self._posts(f"{_ROOT}/ServiceRequest", self._referral, number)

    def _transactions(self, number: int) -> list[bytes]:
        return self._posts(_ROOT, self._bundle, number)

    def _posts(
        self, path: str, resource: Callable[[Person], dict[str, Any]], number: int
    ) -> list[bytes]:
        token = self._token()
        return [
            self._raw("POST", path, token, json.dumps(resource(person)).encode())
            for person in islice(self._crowd, number)
        ]

    def _referral(self, person: Person) -> dict[str, Any]:
        return referral_of(person, base_url=self.web.base_url, identifier=uuid4().hex)

    def _bundle(self, person: Person) -> dict[str, Any]:
        patient = f"urn:uuid:{uuid4()}"
        referral = referral_resource(
            base_url=self.web.base_url, identifier=uuid4().hex, subject={"reference": patient}
        )
        entries = [(patient, patient_resource(person)), (f"urn:uuid:{uuid4()}", referral)]
        return {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": name,
                    "resource": resource,
                    "request": {"method": "POST", "url": resource["resourceType"]},
                }
                for name, resource in entries
            ],
        }

    def _raw(self, method: str, path: str, token: str, body: bytes = b"") -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{self.web.port}\r\nAccept: {FHIR_JSON}\r\n"
        )
        head += f"Authorization: Bearer {token}\r\n"
        if body:
            head += f"Content-Type: {FHIR_JSON}\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n".encode() + body


def _without_host(address: str) -> str:
    return urlsplit(address)._replace(scheme="", netloc="").geturl()
