"""Starting and watching the product's processes."""

from pathlib import Path

import pytest

from scripts import run
from scripts.processes import PortBusy, ProcessEnded, Processes, take_port


def test_a_busy_port_is_refused_in_one_sentence() -> None:
    with take_port(0) as first, pytest.raises(PortBusy, match="is in use by another program"):
        take_port(first.getsockname()[1])


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", text)

    assert run.main() == 1


def test_a_process_that_ends_by_itself_is_named(tmp_path: Path) -> None:
    # Without a secret every one of them ends at once; which is first is up to the machine.
    processes = Processes(environment={"SECRET_KEY": ""}, logs=tmp_path)
    processes.start(take_port(0))

    with pytest.raises(ProcessEnded, match=r"The (web|worker|scheduler) process ended with code"):
        processes.wait_until_ready("http://127.0.0.1:9")

    processes.kill()
    logs = "".join(log.read_text(encoding="utf-8") for log in tmp_path.glob("*.log"))
    assert "SECRET_KEY is not set" in logs


def test_keys_are_made_once_and_for_the_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "VAR", tmp_path)
    monkeypatch.setattr(run, "KEYS", tmp_path / "dev.env")
    for name in ("SECRET_KEY", "FIELD_KEYS", "PUBLIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    first, second = run._environment(8001), run._environment(8001)

    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["PUBLIC_BASE_URL"] == "http://127.0.0.1:8001"
    assert (tmp_path / "dev.env").stat().st_mode & 0o777 == 0o600
