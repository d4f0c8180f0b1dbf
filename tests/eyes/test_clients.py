"""Three other people's clients each drive a referral from discovery to withdrawal against a live server."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

import pytest
from joserfc.jwk import RSAKey

from config.fictional import patient_resource, people, referral_resource
from scripts.journey import PRACTICE
from scripts.outsiders import ClinicalSystem
from scripts.processes import PROJECT
from scripts.signing import public_keys, signed_assertion
from scripts.stack import Stack
from tests.eyes.tools import CLIENTS, HERE, NODE, command_of

pytestmark = pytest.mark.journey

SCOPE = "system/ServiceRequest.crus system/Task.rus system/Patient.crus"
_MOST_SECONDS = 120


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack() as running:
        yield running


def _errand(stack: Stack) -> str:
    """All that a client is given, as JSON: see ``Errand``. Each errand is another registered client's."""
    key = RSAKey.generate_key(2048, {"kid": uuid4().hex, "alg": "RS384"}, private=True)
    keys = stack.folder / f"{key.kid}.json"
    keys.write_text(json.dumps(public_keys(key)), encoding="utf-8")
    printed = stack.manage(
        *("register_client", "Other people's client", "--ods", PRACTICE),
        *("--jwks-file", str(keys), "--scope", SCOPE),
    )
    client_id = json.loads(printed)["client_id"]
    system = ClinicalSystem(stack.base_url, client_id=client_id, key=key, scope=SCOPE)
    signed_in = system.sign_in()
    assert signed_in.status == 200, signed_in.text
    audience = f"{stack.base_url}/oauth2/token"
    crowd = islice(people(seed=secrets.randbelow(1_000_000)), 2)
    errand = {
        "fhir": f"{stack.base_url}/fhir/R4",
        "client_id": client_id,
        "scope": SCOPE,
        "key": key.as_dict(private=True),
        "assertion": signed_assertion(
            key, client_id=client_id, audience=audience, at=datetime.now(UTC)
        ),
        "token": signed_in.json()["access_token"],
        "patients": [patient_resource(person) for person in crowd],
        "referrals": [
            referral_resource(base_url=stack.base_url, identifier=uuid4().hex, subject={})
            for _ in range(2)
        ],
    }
    return json.dumps(errand)


def _run(command: list[str], errand: str) -> str:
    """What the client says it has done. Fails with all that it said when it did not come to the end."""
    done = subprocess.run(  # noqa: S603  (a program of our own)
        command,
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]},  # and no proxy, whatever the environment says
        input=errand,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("client", ["fhirpy", "fhirclient"])
def test_a_python_client_refers_follows_corrects_and_withdraws(client: str, stack: Stack) -> None:
    command = command_of(CLIENTS)

    said = _run([*command, "-m", f"tests.eyes.clients.with_{client}"], _errand(stack))

    assert said.splitlines()[-1] == "done: withdraws"


def test_fhir_kit_client_refers_follows_corrects_and_withdraws(stack: Stack) -> None:
    command = command_of(NODE)

    said = _run([*command, str(HERE / "clients" / "with_fhir_kit.mjs")], _errand(stack))

    assert said.splitlines()[-1] == "done: withdraws"
