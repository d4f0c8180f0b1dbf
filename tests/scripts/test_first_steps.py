"""What somebody new does in the first minutes: the commands of the page, a forgotten password, commands by hand."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scripts.outsiders import Browser
from scripts.processes import PROJECT, take_port
from scripts.stack import Stack

PAGE = PROJECT / "docs" / "fhir.md"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack() as running:
        yield running


def _commands(**places: str) -> str:
    """All commands of the page in one script, with other places for the server, the files and Python."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.M)
    script = "".join(blocks)
    for name, value in places.items():
        script, count = re.subn(rf"^{name}=\S+$", f"{name}={value}", script, flags=re.MULTILINE)
        assert count == 1, f"the page sets {name} once"
    return script


@pytest.mark.journey
@pytest.mark.skipif(
    not shutil.which("curl"), reason="there is no curl, so the page's commands did not run"
)
def test_the_commands_of_the_page_work_as_they_stand(stack: Stack, tmp_path: Path) -> None:
    listener = take_port(0)
    port = str(listener.getsockname()[1])
    listener.close()
    places = {"BASE": stack.base_url, "MINE": str(tmp_path), "PYTHON": sys.executable}
    script = _commands(**places, PORT=port)

    done = subprocess.run(
        ["/bin/sh", "-eu"],
        input=script,
        cwd=PROJECT,
        env={**stack.environment, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "No faults were found." in done.stdout
    assert "The referral is " in done.stdout
    assert '"code": "invitation-sent"' in done.stdout
    assert done.stdout.splitlines()[-2:] == ["withdrawn", "ok"]
    assert '"priority":"urgent"' in (tmp_path / "now.json").read_text(encoding="utf-8")
    notified = (tmp_path / "notified.ndjson").read_text(encoding="utf-8").splitlines()
    assert ["handshake" in notified[0], "event-notification" in notified[1]] == [True, True]
    assert stack.messages()


@pytest.mark.journey
def test_a_forgotten_password_is_answered_with_a_mail_in_a_folder(stack: Stack) -> None:
    browser = Browser(stack.base_url)
    browser.get("/accounts/password/reset/")

    answer = browser.submit("/accounts/password/reset/", email=stack.logins["commissioner_email"])

    assert (answer.status, urlsplit(answer.place).path) == (302, "/accounts/password/reset/done/")
    (mail,) = (stack.folder / "mail").iterdir()
    assert stack.logins["commissioner_email"] in mail.read_text(encoding="utf-8")


@pytest.mark.journey
def test_what_the_processes_write_is_for_the_owner_only(stack: Stack) -> None:
    folders = [stack.folder / name for name in ("broker", "messages", "mail")]
    inside = [path for folder in folders for path in folder.rglob("*")]
    written = [stack.folder / "peer.sqlite3", *folders, *inside]

    assert [str(path) for path in written if path.exists() and path.stat().st_mode & 0o077] == []


def _settings_of_a_copy(folder: Path, environment: dict[str, str]) -> str:
    """SECRET_KEY and DEMO as the settings see them in a checkout whose var/dev.env has been made."""
    for package in ("config", "privacy"):
        shutil.copytree(PROJECT / package, folder / package)
    (folder / "var").mkdir()
    keys = f"SECRET_KEY=from-the-file\nFIELD_KEYS={os.environ['FIELD_KEYS']}\nDEMO=1\n"
    (folder / "var" / "dev.env").write_text(keys, encoding="utf-8")
    read = "from config import settings; print(settings.SECRET_KEY, settings.DEMO)"
    command = [sys.executable, "-c", read]
    return subprocess.run(  # noqa: S603  (our own words)
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_commands_by_hand_use_the_keys_that_make_run_has_made(tmp_path: Path) -> None:
    assert _settings_of_a_copy(tmp_path, {}) == "from-the-file True"


def test_where_a_secret_is_set_nothing_is_taken_from_development(tmp_path: Path) -> None:
    own = {"SECRET_KEY": "own", "FIELD_KEYS": os.environ["FIELD_KEYS"]}

    assert _settings_of_a_copy(tmp_path, own) == "own False"
