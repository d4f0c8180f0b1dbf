"""Sends the published examples to the real endpoints and prints what becomes of each.

First as they stand; then each sound ServiceRequest again, with what makes it a referral of ours laid over it.

``python -m scripts.fhir_corpus [FOLDER]``: the folder holds INDEX.csv and is ../shared/fhir-examples by default.
Exits 1 when an answer is a fault of ours (5xx) or a refusal that does not say what is wrong.
"""

import csv
import json
import logging
import os
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from secrets import token_bytes, token_urlsafe
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import django
from django.core.management import call_command
from django.test import Client
from joserfc.jwk import ECKey

from config.fictional import Person, people, referral_of
from integrations.fhir import wire
from scripts.signing import ASSERTION_TYPE, new_key, public_keys, signed_assertion

PRACTICE = "F84003"
EXAMPLES = Path(__file__).resolve().parents[2] / "shared" / "fhir-examples"
ADDRESSES = {
    "ServiceRequest": "/fhir/R4/ServiceRequest",
    "Patient": "/fhir/R4/Patient",
    "Bundle": "/fhir/R4",
}


class Answer(Protocol):
    """As much of an answer as matters here."""

    status_code: int

    @property
    def content(self) -> bytes:
        """The body."""
        ...

    def __getitem__(self, header: str) -> str: ...


class Sender(Protocol):
    """A clinical system that has signed in."""

    def post(self, path: str, resource: bytes, *, Content_Type: str) -> Answer:  # noqa: N803
        """POST bytes and give the answer."""
        ...

    def get(self, path: str) -> Answer:
        """GET."""
        ...


@dataclass(frozen=True)
class Verdict:
    """What became of one example."""

    collection: str
    file: str
    resource_type: str
    status: int
    code: str = ""
    expression: str = ""
    sentence: str = ""
    changed: tuple[str, ...] = ()

    @property
    def is_in_good_order(self) -> bool:
        """Taken and given back as it came, or refused with a code and a sentence."""
        if self.status < 400:
            return not self.changed
        return self.status < 500 and bool(self.code and self.sentence)


def verdicts(sender: Sender, folder: Path = EXAMPLES) -> Iterator[Verdict]:
    """Send every ServiceRequest, Patient and Bundle of the folder, in the order of its index."""
    with (folder / "INDEX.csv").open(encoding="utf-8", newline="") as index:
        for row in csv.DictReader(index):
            if row["type"] in ADDRESSES:
                yield _verdict(sender, folder, row)


def referrals(sender: Sender, folder: Path = EXAMPLES) -> Iterator[Verdict]:
    """Send every sound ServiceRequest in JSON as a referral of ours, and read it back."""
    patients = people(seed=0)
    with (folder / "INDEX.csv").open(encoding="utf-8", newline="") as index:
        for row in csv.DictReader(index):
            is_sound = row["parses_as_r4b"] == "ok" and row["file"].endswith(".json")
            if is_sound and row["type"] == "ServiceRequest":
                sent = _as_ours((folder / row["file"]).read_bytes(), next(patients))
                yield _referral(sender, row, sent)


def _as_ours(example: bytes, person: Person) -> dict[str, Any]:
    """The example for somebody fictional, asking for peer support; all the rest stays."""
    sent = wire.parse(example)
    ours = referral_of(person, base_url="http://127.0.0.1:8000", identifier="")
    laid_over = {name: ours[name] for name in ("status", "intent", "code", "subject", "reasonCode")}
    contained = [*sent.get("contained", []), *ours["contained"]]
    sent.pop("doNotPerform", None)
    return sent | laid_over | {"contained": contained}


def _referral(sender: Sender, row: dict[str, str], sent: dict[str, Any]) -> Verdict:
    address = ADDRESSES["ServiceRequest"]
    answer = sender.post(address, wire.dump(sent), Content_Type="application/fhir+json")
    verdict = _told(row, answer)
    if answer.status_code != 201:
        return verdict
    came = wire.parse(sender.get(urlsplit(answer["Location"]).path).content)
    came["identifier"] = came["identifier"][:-1]  # the last is ours
    changed = [
        name
        for name in sorted({*sent, *came} - {"id", "meta"})
        if wire.dump({"": came.get(name, [])}) != wire.dump({"": sent.get(name, [])})
    ]
    return replace(verdict, changed=tuple(changed))


def _verdict(sender: Sender, folder: Path, row: dict[str, str]) -> Verdict:
    kind = "xml" if row["file"].endswith(".xml") else "json"
    answer = sender.post(
        ADDRESSES[row["type"]],
        (folder / row["file"]).read_bytes(),
        Content_Type=f"application/fhir+{kind}",
    )
    return _told(row, answer)


def _told(row: dict[str, str], answer: Answer) -> Verdict:
    name = row["file"].removeprefix(f"{row['set']}/")
    issue = _first_issue(answer.content) if answer.status_code >= 400 else {}
    return Verdict(
        collection=row["set"],
        file=name,
        resource_type=row["type"],
        status=answer.status_code,
        code=issue.get("code", ""),
        expression="".join(issue.get("expression", [])),
        sentence=issue.get("diagnostics", ""),
    )


def _first_issue(content: bytes) -> dict[str, Any]:
    try:
        issue: dict[str, Any] = json.loads(content)["issue"][0]
    except (ValueError, KeyError, IndexError, TypeError):
        return {}
    return issue


def table(rows: list[Verdict]) -> str:
    """The verdicts as text, one line each."""
    width = max(len(row.file) for row in rows)
    return "\n".join(
        f"{row.collection:8} {row.file:{width}} {row.status}"
        f"  {' '.join(filter(None, (row.code, row.expression, row.sentence, *row.changed)))}".rstrip()
        for row in rows
    )


def main(arguments: list[str]) -> int:
    """Set up a database in memory, send everything, print the table."""
    folder = Path(arguments[0]) if arguments else EXAMPLES
    if not (folder / "INDEX.csv").exists():
        print(f"There are no examples: {folder}/INDEX.csv is absent.", file=sys.stderr)
        return 1
    sender = _signed_in_on_a_throw_away_database()
    faults = 0
    for title, rows in (
        ("As published", list(verdicts(sender, folder))),
        ("ServiceRequests as referrals of ours", list(referrals(sender, folder))),
    ):
        bad = [row for row in rows if not row.is_in_good_order]
        taken = sum(row.status < 400 for row in rows)
        print(f"{title}: {len(rows)} examples, {taken} taken, {len(bad)} faults\n{table(rows)}\n")
        faults += len(bad)
    return 1 if faults else 0


def _signed_in_on_a_throw_away_database() -> Sender:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": "sqlite:///:memory:",
        "CELERY_BROKER_URL": "memory://",
        "PUBLIC_BASE_URL": "http://127.0.0.1:8000",
        "SECRET_KEY": token_urlsafe(48),
        "FIELD_KEYS": urlsafe_b64encode(token_bytes(32)).decode(),
    }
    django.setup()
    logging.disable(logging.WARNING)  # each refusal would be a line
    for command in ("migrate", "load_reference"):
        call_command(command, verbosity=0, stdout=StringIO())
    key, registered = new_key(), StringIO()
    with TemporaryDirectory() as folder:
        jwks = Path(folder) / "jwks.json"
        jwks.write_text(json.dumps(public_keys(key)), encoding="utf-8")
        call_command("register_client", "Corpus", ods=PRACTICE, jwks_file=jwks, stdout=registered)
    return _SignedIn(key, json.loads(registered.getvalue())["client_id"])


class _SignedIn:
    """A clinical system on Django's test client."""

    def __init__(self, key: ECKey, client_id: str) -> None:
        self._http = Client(SERVER_NAME="127.0.0.1")
        audience = "http://127.0.0.1:8000/oauth2/token"
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signed_assertion(
                key, client_id=client_id, audience=audience, at=datetime.now(UTC)
            ),
            "scope": "system/ServiceRequest.cr system/Patient.cu",
        }
        answer = self._http.post(
            "/oauth2/token", urlencode(form), content_type="application/x-www-form-urlencoded"
        )
        self._token = answer.json()["access_token"]

    def post(self, path: str, resource: bytes, *, Content_Type: str) -> Answer:  # noqa: N803
        """POST with the token."""
        return self._http.post(path, resource, content_type=Content_Type, headers=self._headers())

    def get(self, path: str) -> Answer:
        """GET with the token."""
        return self._http.get(path, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
