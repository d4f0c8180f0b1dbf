"""Fictional patients with a mark of their own in every field, walked through every flow, errors included.

Afterwards no mark may be found in anything that the product keeps in the clear: logs, broker, counts, database file.
"""

import json
import random
import re
import secrets
import string
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from config.fictional import Person, people, referral_of
from scripts.journey import COMMUNITY_ADDRESS, PRACTICE, SCOPE
from scripts.outsiders import Answer, Browser, ClinicalSystem, Community, Http
from scripts.signing import new_key, public_keys
from scripts.stack import Stack

_MARK = re.compile(rb"qzx[a-z]{12}", re.IGNORECASE)
_NHS_NUMBER = re.compile(rb"999[0-9]{7}")
_PHONE = re.compile(rb"7700 ?900 ?[0-9]{3}")
_POSTCODE = re.compile(rb"E1(?: |%20|\+)[0-9][A-Z]{2}")
_FIELDS = (
    "family",
    "given",
    "email",
    "line",
    "identifier",
    "note",
    "instruction",
    "typed",
    "request",
)
_PRACTICES = Path(__file__).parents[1] / "communities" / "data" / "reference" / "practices.csv"
_LINK = re.compile(r"https?://[^\s\"]+/r/\S+")
_PLACES = re.compile(r'(?:href|src|action)="([^"]*)"')
_HEALTH_WORDS = ("depress", "anxi", "mental", "diabet", "pain")
_TOKEN_LIFE_SECONDS = 200
_PATIENCE_SECONDS = 300


def _mark() -> str:
    return "Qzx" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))


@dataclass
class MarkedPatient:
    """A person whom nothing but their own fields can have named."""

    person: Person
    number: int
    postcode: str
    marks: dict[str, str] = field(default_factory=lambda: {name: _mark() for name in _FIELDS})
    referral_id: str = ""
    message: dict[str, Any] = field(default_factory=dict)

    def document(self, base_url: str) -> dict[str, Any]:
        """A referral with a mark wherever a text may stand."""
        referral = referral_of(self.person, base_url=base_url, identifier=self.marks["identifier"])
        marks = self.marks
        [patient] = referral["contained"]
        patient["name"] = [
            {"use": "official", "family": marks["family"], "given": [marks["given"]]}
        ]
        patient["telecom"].append({"system": "email", "value": f"{marks['email']}@patient.example"})
        patient["address"] = [{"use": "home", "line": [marks["line"]], "postalCode": self.postcode}]
        if self.number % 4 == 3:
            del patient["telecom"][0]  # reached by e-mail
        referral["note"] = [{"text": f"Told me about {marks['note']}."}]
        referral["patientInstruction"] = marks["instruction"]
        return referral


class _FromElsewhere(Http):
    """Somebody whose requests come through a proxy, from an address of their own."""

    def __init__(self, base_url: str, number: int, addresses: list[str]) -> None:
        super().__init__(base_url)
        self._number, self._addresses = number, addresses

    def send(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The same, and what it leads to is written down."""
        high, low = divmod(self._number, 250)
        answer = super().send(
            path, body, {"X-Forwarded-For": f"10.0.{high}.{low + 1}", **(headers or {})}
        )
        self._addresses += [answer.headers.get("Location", ""), *_PLACES.findall(answer.text)]
        return answer


class _PatientsBrowser(Browser):
    def __init__(self, http: Http) -> None:
        super().__init__(http.base_url)
        self._http = http


class MarkedWalk:
    """So many patients on one running product. ``run``, then ask what has been found."""

    def __init__(self, stack: Stack, *, patients: int) -> None:
        self._stack = stack
        self.patients = list(_patients(patients))
        self.statuses: dict[int, int] = {}
        self.addresses: list[str] = []  # where answers lead: Location headers and links on pages
        self.answers = ""  # what anybody but patient and practice is told
        self._signed_in_at = 0.0

    def run(self) -> None:
        """Every flow for every patient."""
        self._register()
        for patient in self.patients:
            self._sign_in_when_due()
            self._refer(patient)
            self._go_wrong(patient)
        self._wait_for_messages()
        pseudonyms = [name for patient in self.patients for name in self._answer(patient)]
        self._report(pseudonyms)
        self._look_from_outside()

    def _count(self, answer: Answer) -> Answer:
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        return answer

    def _register(self) -> None:
        key = new_key()
        file = self._stack.folder / "jwks.json"
        file.write_text(json.dumps(public_keys(key)), encoding="utf-8")
        printed = self._stack.manage(
            "register_client", "Marked", "--ods", PRACTICE, "--jwks-file", str(file)
        )
        client_id = json.loads(printed)["client_id"]
        self._system = ClinicalSystem(
            self._stack.base_url, client_id=client_id, key=key, scope=SCOPE
        )
        self._http = Http(self._stack.base_url)

    def _sign_in_when_due(self) -> None:
        if time.monotonic() - self._signed_in_at > _TOKEN_LIFE_SECONDS or not self._signed_in_at:
            self._count(self._system.sign_in())
            self._signed_in_at = time.monotonic()

    # The practice

    def _refer(self, patient: MarkedPatient) -> None:
        document = patient.document(self._stack.base_url)
        answer = self._count(self._system.post("ServiceRequest", document))
        if answer.status != 201:
            raise RuntimeError(
                f"the marked referral was answered {answer.status}: {answer.text[:500]}"
            )
        patient.referral_id = answer.json()["id"]
        read = self._count(self._system.get(f"ServiceRequest/{patient.referral_id}"))
        if patient.marks["note"] not in read.text:
            raise RuntimeError("the note is not read back, so its mark proves nothing")
        self._count(self._system.get(f"Task/{patient.referral_id}"))
        self._count(self._system.post("ServiceRequest", document))  # known already
        changed = {**document, "note": [{"text": patient.marks["typed"]}]}
        self._count(self._system.post("ServiceRequest", changed))

    def _go_wrong(self, patient: MarkedPatient) -> None:
        """What must be refused, with marks wherever a sender could put them."""
        mark, person = patient.marks["typed"], patient.person
        document = patient.document(self._stack.base_url)
        for wrong in (
            {**document, "status": mark}, {**document, mark: mark}, {**document, "reasonCode": []},
            {**document, "subject": {"reference": f"Patient/{mark}"}}, {"resourceType": mark}, [mark],
        ):  # fmt: skip
            self._count(self._system.post("ServiceRequest", wrong))  # type: ignore[arg-type]  # a list is wrong
        self._count(self._system.post("Patient", document["contained"][0] | {"birthDate": mark}))
        self._count(self._system.post("", {"resourceType": "Bundle", "type": mark}))
        for address in (
            f"Patient/{person.nhs_number}", f"Patient?identifier={person.nhs_number}", f"Task?focus={mark}",
            f"Patient?family={patient.marks['family']}&phone={quote(person.phone)}", f"{mark}/{mark}",
            f"Patient?address-postalcode={quote(patient.postcode)}",
        ):  # fmt: skip
            self._count(self._system.get(address))
        named = {
            "X-Request-ID": patient.marks["request"],
            "X-Correlation-ID": patient.marks["request"],
        }
        broken = json.dumps(document).encode()[:-5]
        for path in (
            "/fhir/R4/ServiceRequest",
            "/oauth2/token",
            f"/api/events/{uuid4()}",
            f"/api/events/{mark}",
        ):
            self._count(
                self._http.send(path, broken, named | {"Content-Type": "application/fhir+json"})
            )
        for path in (
            f"/{mark}",
            f"/r/{mark}",
            f"/commissioner/?icb={mark}",
            f"/api/measures/funnel?icb={mark}",
        ):
            self._count(self._http.send(path, headers=named | {"Authorization": f"Bearer {mark}"}))

    def _wait_for_messages(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        expected = {self._reference_of(patient): patient for patient in self.patients}
        while time.monotonic() < deadline:
            self._stack.processes.check()
            for message in self._stack.messages():
                if message["referral"] in expected:
                    expected.pop(message["referral"]).message = message
            if not expected:
                return
            time.sleep(0.5)
        raise TimeoutError(f"{len(expected)} patients got no message")

    def _reference_of(self, patient: MarkedPatient) -> str:
        self._sign_in_when_due()
        read = self._count(self._system.get(f"ServiceRequest/{patient.referral_id}")).json()
        return str(read["identifier"][-1]["value"])

    # The patient

    def _answer(self, patient: MarkedPatient) -> Iterator[str]:
        """What this patient does, by their number; the pseudonyms of those who join."""
        browser = _PatientsBrowser(
            _FromElsewhere(self._stack.base_url, patient.number, self.addresses)
        )
        found = _LINK.search(patient.message["body"])
        born, kind = patient.person.birth_date, patient.number % 5
        self._count(browser.get(urlsplit(found[0]).path if found else "/r/none"))
        self._count(browser.get("/r/check"))
        for _ in range(6 if kind == 4 else 1):  # one of five forgets it, and the link is locked
            year = patient.marks["typed"] if kind == 3 else 1899
            self._count(browser.submit("/r/check", day=born.day, month=born.month, year=year))
        opened = self._count(
            browser.submit("/r/check", day=born.day, month=born.month, year=born.year)
        )
        if opened.status != 302 or kind == 4:
            return
        self._count(browser.get("/r/about"))
        if kind == 3:
            self._count(browser.get("/r/decline"))
            self._count(browser.submit("/r/decline", reason=patient.marks["typed"]))
            return
        yield from self._join(browser)
        if kind == 2:
            self._count(browser.get("/r/leave"))
            self._count(browser.submit("/r/leave", reason="no-longer-needed"))

    def _join(self, browser: Browser) -> Iterator[str]:
        self._count(browser.get("/r/choose"))
        offers = browser.values_of("offer")
        if not offers:
            return
        self._count(browser.submit("/r/choose", offer=offers[0]))
        self._count(browser.get("/r/share"))
        agreed = {"tell_community": "yes", "tell_practice": "yes", "count_visits": "yes"}
        self._count(browser.submit("/r/share", **agreed))
        self._count(browser.get("/r/done"))
        for link in browser.links():
            if link.startswith(COMMUNITY_ADDRESS):
                yield urlsplit(link).query.partition("member=")[2]

    # The community and the commissioner

    def _report(self, pseudonyms: list[str]) -> None:
        logins = self._stack.logins
        community = Community(
            self._stack.base_url, path=logins["host_events_path"], secret=logins["host_secret"]
        )
        marks = [patient.marks["typed"] for patient in self.patients[:50]]
        for names in (pseudonyms[:100], marks):
            if names:
                self._count(community.report(community.visits(names)))
        wrong = [
            {"id": marks[0], "type": marks[0], "subject": marks[0], "data": {"text": marks[0]}}
        ]
        self._count(community.report(wrong))

    def _look_from_outside(self) -> None:
        logins, browser = self._stack.logins, Browser(self._stack.base_url)
        guessed = self.patients[0].marks["email"]
        for email, password in (
            (f"{guessed}@patient.example", guessed),
            (logins["commissioner_email"], logins["commissioner_password"]),
        ):
            self._count(browser.get("/accounts/login/"))
            self._count(browser.submit("/accounts/login/", login=email, password=password))
        pages = ("/commissioner/", "/api/measures/funnel", "/api/measures/funnel.csv")
        self.answers = "\n".join(self._count(browser.get(path)).text for path in pages)
        for path in (
            "/metrics",
            "/health/live",
            "/health/ready",
            "/api/conditions",
            "/fhir/R4/metadata",
        ):
            self.answers += self._count(self._http.send(path)).text

    # What is found

    def traces(self) -> list[str]:
        """Where a mark stands that must not: files, answers to others, addresses that answers lead to."""
        known = {
            mark.lower().encode() for patient in self.patients for mark in patient.marks.values()
        }
        for patient in self.patients:
            known |= {patient.person.nhs_number.encode(), _digits(patient.person.phone.encode())}
            known.add(patient.postcode.encode().lower())
        # The sender's own number of the referral is looked up by, and so is not encrypted: a pseudonym, as is declared.
        pseudonyms = {patient.marks["identifier"].lower().encode() for patient in self.patients}
        found = []
        for file in sorted(self._stack.folder.rglob("*")):
            if file.is_file() and self._stack.messages_folder not in file.parents:
                kept = _marks_in(file.read_bytes()) & known
                if file.name.startswith("peer.sqlite3"):
                    kept -= pseudonyms
                found += [
                    f"{file.relative_to(self._stack.folder)}: {mark.decode()}"
                    for mark in sorted(kept)
                ]
        for name, text in (
            ("answers to others", self.answers),
            ("addresses", "\n".join(self.addresses)),
        ):
            found += [
                f"{name}: {mark.decode()}" for mark in sorted(_marks_in(text.encode()) & known)
            ]
        return found

    def talkative_messages(self) -> list[str]:
        """Messages that say more than where to go: a name, a note, a condition."""
        found = []
        for message in self._stack.messages():
            text = f"{message['subject']} {message['body']}"
            if _marks_in(text.encode()) or any(word in text.lower() for word in _HEALTH_WORDS):
                found.append(text)
        return found


def _marks_in(content: bytes) -> set[bytes]:
    """Everything in here that looks like a mark, in one spelling."""
    postcodes = {re.sub(rb"%20|\+", b" ", found).lower() for found in _POSTCODE.findall(content)}
    phones = {_digits(found) for found in _PHONE.findall(content)}
    return (
        {found.lower() for found in _MARK.findall(content)}
        | set(_NHS_NUMBER.findall(content))
        | postcodes
        | phones
    )


def _digits(phone: bytes) -> bytes:
    return phone.replace(b" ", b"").lstrip(b"0")


def _patients(number: int) -> Iterator[MarkedPatient]:
    """People whose postcodes no practice has, so that the reference facts hold none of their marks."""
    crowd = people(seed=random.randrange(10**6))  # noqa: S311  (not a secret)
    practices = _PRACTICES.read_text(encoding="utf-8")
    signs = product("ABDEFGHJLNPQ", "PQRSTUWXYZ", string.digits)
    free = (f"E1 {digit}{first}{second}" for first, second, digit in signs)
    chosen = islice((postcode for postcode in free if postcode not in practices), number)
    for position, postcode in enumerate(chosen):
        yield MarkedPatient(next(crowd), position + 1, postcode)
