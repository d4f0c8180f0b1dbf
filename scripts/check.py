"""``make lint``: format, rules, types, import contracts, migrations and OpenAPI drift, all of them every time."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.processes import PROJECT
from tests.environment import prepare

OPENAPI = PROJECT / "openapi.yaml"
_BIN = Path(sys.executable).parent
_SCHEMA = ("manage.py", "spectacular", "--validate", "--fail-on-warn", "--file")

CHECKS: dict[str, list[str]] = {
    "format": ["-m", "ruff", "format", "--check", "--quiet", "."],
    "rules": ["-m", "ruff", "check", "--quiet", "."],
    "types": ["-m", "mypy"],
    "import contracts": [str(_BIN / "lint-imports"), "--no-logo"],
    "migrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
}


def main() -> int:
    """Run every check; exit 1 naming those that failed."""
    prepare()
    os.environ["DATABASE_URL"] = "sqlite:///:memory:"
    os.environ["PUBLIC_BASE_URL"] = "http://127.0.0.1:8000"  # examples in openapi.yaml name it
    if sys.argv[1:] == ["--write-openapi"]:
        return _python([*_SCHEMA, str(OPENAPI)]).returncode
    failed = [name for name, command in CHECKS.items() if not _passes(name, command)]
    if not _openapi_is_current():
        failed.append("OpenAPI")
    print(f"Failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


def _passes(name: str, command: list[str]) -> bool:
    began = time.monotonic()
    done = _python(command)
    word = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name:18} {word:7} {time.monotonic() - began:5.1f} s", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


def _openapi_is_current() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / OPENAPI.name
        if not _passes("OpenAPI is valid", [*_SCHEMA, str(fresh)]):
            return False
        is_current = OPENAPI.exists() and fresh.read_bytes() == OPENAPI.read_bytes()
    if not is_current:
        print("openapi.yaml is not what the code says. Write it anew with: make openapi")
    return is_current


def _python(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=PROJECT, capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    sys.exit(main())
