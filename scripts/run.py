"""``make run``: the product on this machine with SQLite, its own keys and the demonstration's data."""

import base64
import json
import os
import secrets
import signal
import sys
import threading
from pathlib import Path

from config.env import read_dotenv
from scripts.processes import (
    HOST,
    PROJECT,
    CommandFailed,
    PortBusy,
    ProcessEnded,
    Processes,
    Restarts,
    manage,
    take_port,
)

VAR = PROJECT / "var"
KEYS = VAR / "dev.env"
LOGINS = VAR / "dev-logins.json"
_LOOK_SECONDS = 0.5


def main() -> int:
    """Prepare, start, print where to look, and stay until told to end."""
    asked_to_end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_end.set())
    try:
        port = _port()
        listener = take_port(port)
    except (ValueError, PortBusy) as error:
        print(f"{error} Choose another one: make run PORT=8001", file=sys.stderr)
        return 1
    read_dotenv(PROJECT / ".env")
    environment = _environment(port)
    processes = Processes(environment=environment)
    try:
        _prepare(environment)
        processes.start(listener)
        processes.wait_until_ready(f"http://{HOST}:{port}")
        print(_where_to_look(environment), flush=True)
        restarts = Restarts(processes, say=lambda line: print(line, file=sys.stderr, flush=True))
        while not asked_to_end.wait(_LOOK_SECONDS):
            restarts.look()
    except (CommandFailed, ProcessEnded, TimeoutError) as error:
        if (
            not asked_to_end.is_set()
        ):  # Ctrl-C also ends what is being prepared, and that is no fault
            print(f"{error}\nStopping.", file=sys.stderr)
            return 1
    finally:
        listener.close()
        processes.stop()
    print("\nStopped.")
    return 0


def _port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError(f"PORT must be a number from 1 to 65535 (got {text!r}).")
    return int(text)


def _environment(port: int) -> dict[str, str]:
    """What is set already wins; keys come from var/ and are made there the first time."""
    VAR.mkdir(exist_ok=True)
    VAR.chmod(0o700)  # messages and log-ins are in it
    if not KEYS.exists():
        _write_keys(KEYS)
    kept = dict(line.split("=", 1) for line in KEYS.read_text(encoding="utf-8").splitlines())
    local = {
        "PUBLIC_BASE_URL": f"http://{HOST}:{port}",
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "DEMO": "1",
    }
    return {**local, **kept, **os.environ}


def _write_keys(file: Path) -> None:
    field_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    file.touch(mode=0o600)
    file.write_text(
        f"SECRET_KEY={secrets.token_urlsafe(48)}\nFIELD_KEYS={field_key}\nDEMO=1\n",
        encoding="utf-8",
    )


def _prepare(environment: dict[str, str]) -> None:
    print(
        "Preparing the database and the demonstration (the first time takes a moment) …", flush=True
    )
    manage("migrate", "--verbosity", "0", environment=environment)
    manage("collectstatic", "--no-input", "--verbosity", "0", environment=environment)
    manage("load_demo", "--logins", str(LOGINS), environment=environment)


def _where_to_look(environment: dict[str, str]) -> str:
    logins = json.loads(LOGINS.read_text(encoding="utf-8"))
    base = environment["PUBLIC_BASE_URL"]
    messages = environment.get("MESSAGES_FOLDER", str(VAR / "messages"))
    mail = environment.get("EMAIL_FILE_PATH", str(VAR / "mail"))
    return f"""
Peer Referrals runs at {base}   (fictional people; Ctrl-C ends it)

  Patient         {base}{logins["patient_path"]}
                  date of birth {logins["patient_birth_date"]}
  Commissioner    {base}/commissioner/
                  {logins["commissioner_email"]}   {logins["commissioner_password"]}
  Directory       {base}/communities/
  Community       {base}/community/
                  {logins["coordinator_email"]}   {logins["coordinator_password"]}
  Reviewers       {base}/reviews/
                  {logins["clinical_reviewer_email"]}   {logins["clinical_reviewer_password"]}
                  {logins["lived_experience_reviewer_email"]}   {logins["lived_experience_reviewer_password"]}
  Operator        {base}/admin/
                  {logins["operator_email"]}   {logins["operator_password"]}
  Clinical system {base}/fhir/R4   (token: {base}/oauth2/token)
                  client_id {logins["client_id"]}, private key {LOGINS.with_suffix("")}-client-key.json
  Its software    {base}{logins["host_events_path"]}
                  signing secret {logins["host_secret"]}
  Messages        each a file in {messages}
  E-mail          to those who forgot a password: {mail}
"""


if __name__ == "__main__":
    sys.exit(main())
