"""The whole way, walked over HTTP: from the GP's clinical system to the patient, the community and the commissioner."""

import base64
import csv
import io
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from config.fictional import Person, patient_resource, people, referral_of, referral_resource
from scripts.outsiders import Answer, Browser, ClinicalSystem, Community
from scripts.signing import new_key, public_keys
from scripts.stack import Stack

PRACTICE = "F84003"
ICB = "QMF"
SCOPE = "system/ServiceRequest.crs system/Task.rs system/Patient.cru"
COMMUNITY_ADDRESS = "https://steady-days.example/"
HIDDEN = None
_LINK = re.compile(r"https?://\S+")
_REASONS = ("Moderated by professionals", "Open to people anywhere in the UK")
_HEALTH_WORDS = ("depress", "anxi", "mental")

Found = TypeVar("Found")


class JourneyFailed(Exception):
    """A step did not go as it should."""

    def __init__(self, step: str, *, expected: object, got: object) -> None:
        super().__init__(f"{step}: expected {expected}, got {got}")
        self.step = step
        self.expected = expected
        self.got = got


@dataclass
class Patient:
    """One patient on the way: who it is and what has become known so far."""

    person: Person
    browser: Browser
    referral_id: str = ""
    reference: str = ""
    message: dict[str, Any] = field(default_factory=dict)
    join_url: str = ""

    @property
    def link(self) -> str:
        """The path of the link in the message."""
        found = _LINK.search(self.message["body"])
        return urlsplit(found[0]).path if found else ""

    @property
    def pseudonym(self) -> str:
        """What the community knows the patient by."""
        return parse_qs(urlsplit(self.join_url).query).get("member", [""])[0]


class Journey:
    """One walk. ``say`` is given a line for each step that went well; background work gets ``patience`` seconds."""

    def __init__(
        self, stack: Stack, say: Callable[[str], None] | None = None, *, patience: float = 20.0
    ) -> None:
        self._stack = stack
        self._patience = patience
        self._say = say or (lambda _line: None)
        self._crowd = people(seed=secrets.randbelow(1_000_000))
        self._step = ""
        self._commissioner = Browser(stack.base_url)
        self._community = Community(
            stack.base_url,
            path=stack.logins["host_events_path"],
            secret=stack.logins["host_secret"],
        )

    def walk(self) -> None:
        """The whole way. Raises JourneyFailed at the first step that fails."""
        try:
            self._walk()
        except (OSError, ValueError, LookupError) as error:
            expected = "an answer as documented"
            raise JourneyFailed(self._step, expected=expected, got=repr(error)) from error

    def _walk(self) -> None:
        system = self._register_and_sign_in()
        patient = self._refer(system)
        self._receive_message(system, patient)
        self._follow_link(system, patient)
        self._choose_and_join(system, patient)
        self._report_activity(system, patient)
        self._see_figures(HIDDEN, "shows one patient's figures hidden")
        self._change_and_leave(system, patient)
        self._bring_nine_more(system)
        self._see_figures(10, "reads 10 at every step, on the page, in JSON and in CSV alike")
        self._begin("")

    def _begin(self, sentence: str) -> None:
        if self._step:
            self._say(self._step)  # the one before is through
        self._step = sentence

    def _expect(self, what: str, expected: object, got: object) -> None:
        if expected != got:
            raise JourneyFailed(self._step, expected=f"{what} {expected}", got=got)

    def _status(self, answer: Answer, expected: int) -> Answer:
        if answer.status != expected:
            got = f"{answer.status} {answer.text[:300]}"
            raise JourneyFailed(self._step, expected=f"status {expected}", got=got)
        return answer

    def _goes_to(self, answer: Answer, path: str) -> None:
        self._status(answer, 302)
        self._expect("the way to", path, answer.place)

    def _wait_for(self, what: str, look: Callable[[], Found | None]) -> Found:
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            self._stack.processes.check()
            if found := look():
                return found
            time.sleep(0.1)
        got = f"nothing within {self._patience:.0f} seconds"
        raise JourneyFailed(self._step, expected=what, got=got)

    # The clinical system

    def _register_and_sign_in(self) -> ClinicalSystem:
        self._begin("A clinical system is registered and signs in with its own key")
        key = new_key()
        file = self._stack.folder / "jwks.json"
        file.write_text(json.dumps(public_keys(key)), encoding="utf-8")
        printed = self._stack.manage(
            "register_client", "Journey", "--ods", PRACTICE, "--jwks-file", str(file)
        )
        client_id = json.loads(printed)["client_id"]
        system = ClinicalSystem(self._stack.base_url, client_id=client_id, key=key, scope=SCOPE)
        token = self._status(system.sign_in(), 200).json()
        self._expect("token type", "bearer", token["token_type"])
        return system

    def _refer(self, system: ClinicalSystem) -> Patient:
        self._begin("The GP's referral arrives as a FHIR ServiceRequest and is read back")
        patient = self._new_patient()
        sent = referral_of(patient.person, base_url=self._stack.base_url, identifier=uuid4().hex)
        created = self._status(system.post("ServiceRequest", sent), 201)
        patient.referral_id = created.json()["id"]
        location = f"/fhir/R4/ServiceRequest/{patient.referral_id}/_history/1"
        self._expect("Location", location, created.place)
        self._expect("ETag", 'W/"1"', created.headers.get("ETag"))
        read = self._status(system.get(f"ServiceRequest/{patient.referral_id}"), 200).json()
        for element in ("contained", "reasonCode", "intent", "code"):
            self._expect(f"{element} as sent:", sent[element], read[element])
        patient.reference = read["identifier"][-1]["value"]
        self._status(system.post("ServiceRequest", sent), 409)
        return patient

    def _new_patient(self) -> Patient:
        return Patient(next(self._crowd), Browser(self._stack.base_url))

    def _task(self, system: ClinicalSystem, patient: Patient) -> tuple[str, str]:
        """Where the referral stands as the practice sees it, and the Task's version."""
        task = self._status(system.get(f"Task/{patient.referral_id}"), 200).json()
        return task["businessStatus"]["coding"][0]["code"], task["meta"]["versionId"]

    def _expect_task(self, system: ClinicalSystem, patient: Patient, status: str) -> None:
        self._expect("the Task's businessStatus", status, self._task(system, patient)[0])

    # The patient

    def _receive_message(self, system: ClinicalSystem, patient: Patient) -> None:
        self._begin("The patient is matched in the background and gets a neutral message")
        self._wait_for(
            "the Task to say invitation-sent",
            lambda: self._task(system, patient)[0] == "invitation-sent",
        )
        self._read_message(patient)
        self._expect("channel", "sms", patient.message["channel"])
        self._expect("recipient", patient.person.phone, patient.message["to"])
        body = patient.message["body"].lower()
        said = [word for word in _HEALTH_WORDS if word in body]
        self._expect("words about health in the message:", [], said)

    def _read_message(self, patient: Patient) -> None:
        patient.message = self._wait_for(
            "a message",
            lambda: next(
                (m for m in self._stack.messages() if m["referral"] == patient.reference), None
            ),
        )

    def _follow_link(self, system: ClinicalSystem, patient: Patient) -> None:
        self._begin("The link shows nothing and changes nothing until the date of birth is right")
        before = self._task(system, patient)
        answer = self._status(patient.browser.get(patient.link), 302)
        self._expect("the way to", "/r/start", answer.place)
        self._status(patient.browser.get("/r/start"), 200)
        self._expect("the Task unchanged:", before, self._task(system, patient))
        self._status(patient.browser.get("/r/check"), 200)
        born = patient.person.birth_date
        wrong = patient.browser.submit("/r/check", day=born.day, month=born.month, year=1899)
        self._status(wrong, 422)
        self._goes_to(self._give_birth_date(patient), "/r/about")
        self._status(patient.browser.get("/r/about"), 200)

    def _give_birth_date(self, patient: Patient) -> Answer:
        born = patient.person.birth_date
        return patient.browser.submit("/r/check", day=born.day, month=born.month, year=born.year)

    def _choose_and_join(self, system: ClinicalSystem, patient: Patient) -> None:
        self._begin("The patient sees communities with reasons, chooses one and joins it")
        page = self._status(patient.browser.get("/r/choose"), 200).text
        missing = [reason for reason in _REASONS if reason not in page]
        self._expect("reasons that are not shown:", [], missing)
        self._choose(patient, offer=0)
        self._goes_to(self._share(patient), "/r/done")
        self._read_join_url(patient)
        self._expect_no_identity(patient, patient.join_url)
        self._expect_task(system, patient, "joined")

    def _choose(self, patient: Patient, *, offer: int) -> None:
        offers = patient.browser.values_of("offer")
        self._goes_to(patient.browser.submit("/r/choose", offer=offers[offer]), "/r/share")
        self._status(patient.browser.get("/r/share"), 200)

    def _share(self, patient: Patient) -> Answer:
        return patient.browser.submit(
            "/r/share", tell_community="yes", tell_practice="yes", count_visits="yes"
        )

    def _read_join_url(self, patient: Patient) -> None:
        self._status(patient.browser.get("/r/done"), 200)
        links = [url for url in patient.browser.links() if url.startswith(COMMUNITY_ADDRESS)]
        patient.join_url = links[0] if links else ""
        known = sorted(parse_qs(urlsplit(patient.join_url).query))
        self._expect("the community's address to carry", ["member"], known)
        self._expect("a pseudonym:", "psn_", patient.pseudonym[:4])

    def _expect_no_identity(self, patient: Patient, told: str) -> None:
        """Nothing that a community is told may say who the patient is."""
        who = patient.person
        digits = who.phone.replace(" ", "")
        secret = (who.given_name, who.family_name, who.nhs_number, who.phone, digits)
        known = [what for what in (*secret, who.birth_date.isoformat()) if what in told]
        self._expect("what the community learns of the patient's identity:", [], known)

    # The community

    def _report_activity(self, system: ClinicalSystem, patient: Patient) -> None:
        self._begin("The community reports a visit under the pseudonym, signed, counted once")
        before = self._task(system, patient)
        batch = self._community.visits([patient.pseudonym])
        first = self._status(self._community.report(batch), 202)
        self._expect("the receipt", ["recorded"], _receipts(first))
        again = self._status(self._community.report(batch), 202)
        self._expect("the receipt", ["duplicate"], _receipts(again))
        forged = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self._status(self._community.report(batch, secret=forged), 401)
        self._expect_no_identity(patient, first.text + again.text)
        # The patient agreed to tell the practice that they joined, and nothing after it.
        self._expect("what the practice sees", before, self._task(system, patient))

    def _change_and_leave(self, system: ClinicalSystem, patient: Patient) -> None:
        self._begin("The same link brings the patient back to change community, then to leave")
        patient.browser = Browser(self._stack.base_url)
        self._open(patient, leads_to="/r/manage")
        self._status(patient.browser.get("/r/choose"), 200)
        self._choose(patient, offer=1)
        self._goes_to(self._share(patient), "/r/done")
        before = self._task(system, patient)
        self._status(patient.browser.get("/r/leave"), 200)
        self._status(patient.browser.submit("/r/leave", reason="no-longer-needed"), 200)
        self._expect("what the practice sees", before, self._task(system, patient))

    def _open(self, patient: Patient, *, leads_to: str) -> None:
        self._status(patient.browser.get(patient.link), 302)
        self._status(patient.browser.get("/r/check"), 200)
        self._goes_to(self._give_birth_date(patient), leads_to)

    def _bring_nine_more(self, system: ClinicalSystem) -> None:
        self._begin("Nine more patients come in one transaction, join and are active")
        patients = [self._new_patient() for _ in range(9)]
        self._send_together(system, patients)
        for patient in patients:
            self._read_message(patient)
            self._open(patient, leads_to="/r/about")
            self._status(patient.browser.get("/r/choose"), 200)
            self._choose(patient, offer=0)
            self._goes_to(self._share(patient), "/r/done")
            self._read_join_url(patient)
        batch = self._community.visits(patient.pseudonym for patient in patients)
        answer = self._status(self._community.report(batch), 202)
        self._expect("the receipts", ["recorded"] * 9, _receipts(answer))
        for patient in patients:
            self._expect_task(system, patient, "joined")

    def _send_together(self, system: ClinicalSystem, patients: list[Patient]) -> None:
        bundle = _transaction([patient.person for patient in patients], self._stack.base_url)
        answer = self._status(system.post("", bundle), 200).json()
        places = [entry["response"]["location"] for entry in answer["entry"]]
        referrals = [place for place in places if "ServiceRequest/" in place]
        self._expect("referrals made:", len(patients), len(referrals))
        for patient, place in zip(patients, referrals, strict=True):
            patient.referral_id = place.partition("ServiceRequest/")[2].partition("/")[0]
            read = self._status(system.get(f"ServiceRequest/{patient.referral_id}"), 200).json()
            patient.reference = read["identifier"][-1]["value"]

    # The commissioner

    def _see_figures(self, expected: int | None, words: str) -> None:
        self._begin(f"The commissioner's funnel {words}")
        self._sign_in_commissioner()
        figures = self._status(self._commissioner.get(f"/api/measures/funnel?icb={ICB}"), 200)
        in_json = [cell["value"] for cell in figures.json()["total"]["counts"]]
        self._expect("the figures in JSON:", [expected] * len(in_json), in_json)
        sheet = self._status(self._commissioner.get(f"/api/measures/funnel.csv?icb={ICB}"), 200)
        lines = [
            line for line in csv.DictReader(io.StringIO(sheet.text)) if line["table"] == "total"
        ]
        self._expect("the figures in CSV:", in_json, [_figure(line["count"]) for line in lines])
        self._status(self._commissioner.get("/commissioner/"), 200)
        cells = [row[2] for row in self._commissioner.rows() if len(row) == 4]
        self._expect("the figures on the page:", in_json, [_figure(cell) for cell in cells])

    def _sign_in_commissioner(self) -> None:
        if self._commissioner.get("/commissioner/").status == 200:
            return
        logins = self._stack.logins
        self._status(self._commissioner.get("/accounts/login/"), 200)
        answer = self._commissioner.submit(
            "/accounts/login/",
            login=logins["commissioner_email"],
            password=logins["commissioner_password"],
        )
        self._goes_to(answer, "/commissioner/")


def _receipts(answer: Answer) -> list[str]:
    return [receipt["receipt"] for receipt in answer.json()["receipts"]]


def _figure(text: str) -> int | None:
    """A figure as it is written: ``[c]`` is hidden."""
    return None if text.startswith("[c]") else int(text.replace(",", ""))


def _transaction(crowd: list[Person], base_url: str) -> dict[str, Any]:
    """A transaction Bundle with a Patient and a ServiceRequest for each."""

    def entries() -> Iterator[dict[str, Any]]:
        for person in crowd:
            address = f"urn:uuid:{uuid4()}"
            referral = referral_resource(
                base_url=base_url, identifier=uuid4().hex, subject={"reference": address}
            )
            yield _entry(address, patient_resource(person))
            yield _entry(f"urn:uuid:{uuid4()}", referral)

    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries())}


def _entry(address: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {
        "fullUrl": address,
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]},
    }
