"""From a clone to an environment: what is said when something is missing, and when nothing has to be done."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

from scripts import bootstrap


@pytest.fixture
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks and an environment in a folder of the test's own."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.touch()
    monkeypatch.setattr(bootstrap, "PYTHON", python)
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(bootstrap, "DEV_LOCK", tmp_path / "requirements-dev.lock")
    return tmp_path


def test_an_old_python_alone_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed, and this is 3\.9"):
        bootstrap.need_python()


def test_an_old_python_hands_over_to_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "scripts.run"])
    monkeypatch.setattr(
        shutil, "which", lambda name: "/opt/python3.11" if name == "python3.11" else None
    )
    monkeypatch.setattr(os, "execv", lambda _path, arguments: started.append(arguments))

    with pytest.raises(SystemExit):
        bootstrap.need_python()

    assert started == [["/opt/python3.11", str(Path(bootstrap.__file__).resolve()), "scripts.run"]]


def test_a_python_without_venv_is_told_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(SystemExit, match="apt-get install -y python3-venv"):
        bootstrap.need_venv()


def test_nothing_is_installed_twice(own_files: Path) -> None:
    assert not bootstrap.is_installed(is_dev=False)

    bootstrap.STAMP.write_text(bootstrap.digest(bootstrap.LOCK), encoding="utf-8")

    assert bootstrap.is_installed(is_dev=False)
    assert not bootstrap.is_installed(is_dev=True)


def test_the_development_environment_serves_for_running_too(own_files: Path) -> None:
    bootstrap.STAMP.write_text(bootstrap.digest(bootstrap.DEV_LOCK), encoding="utf-8")

    assert bootstrap.is_installed(is_dev=False)
    assert bootstrap.is_installed(is_dev=True)


def test_a_changed_lock_is_installed_again(own_files: Path) -> None:
    bootstrap.STAMP.write_text(bootstrap.digest(bootstrap.LOCK), encoding="utf-8")

    bootstrap.LOCK.write_text("another version", encoding="utf-8")

    assert not bootstrap.is_installed(is_dev=False)


def test_the_development_lock_holds_the_versions_that_run() -> None:
    def versions(name: str) -> set[str]:
        lines = (bootstrap.PROJECT / name).read_text(encoding="utf-8").splitlines()
        return {line.split()[0] for line in lines if "==" in line and not line.startswith(" ")}

    assert versions("requirements.lock") <= versions("requirements-dev.lock")
