"""From a clone to a running environment: makes ``.venv``, installs what the lock names, runs a module inside.

    python3 scripts/bootstrap.py [--dev] MODULE [ARGUMENT ...]

Only the standard library, and a grammar that an old Python can read as far as the sentence that says so.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
NEWER = ("python3.12", "python3.11")
PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed-lock"
LOCK = PROJECT / "requirements.lock"
DEV_LOCK = PROJECT / "requirements-dev.lock"  # holds everything that LOCK holds


def main() -> None:
    """Make sure of Python and the environment, then become the module."""
    need_python()
    arguments = sys.argv[1:]
    is_dev = arguments[:1] == ["--dev"]
    module = arguments[1:] if is_dev else arguments
    if not module:
        sys.exit("Usage: python3 scripts/bootstrap.py [--dev] MODULE [ARGUMENT ...]")
    if not is_installed(is_dev=is_dev):
        install(DEV_LOCK if is_dev else LOCK)
    os.chdir(str(PROJECT))
    os.execv(str(PYTHON), [str(PYTHON), "-m", *module])  # noqa: S606  (no shell is what is wanted)


def need_python() -> None:
    """Go on with a newer Python when this one is too old, or say that there is none."""
    if sys.version_info >= OLDEST:
        return
    for name in NEWER:
        newer = shutil.which(name)
        if newer:
            os.execv(newer, [newer, str(Path(__file__).resolve()), *sys.argv[1:]])  # noqa: S606
    sys.exit(
        "Python {}.{} or newer is needed, and this is {}.{}. On Debian 12 or Ubuntu 24.04:"
        " apt-get install -y python3 python3-venv".format(*OLDEST, *sys.version_info[:2])
    )


def is_installed(*, is_dev: bool) -> bool:
    """Whether the environment holds what the lock names now."""
    if not PYTHON.exists() or not STAMP.exists():
        return False
    enough = [digest(DEV_LOCK)] if is_dev else [digest(LOCK), digest(DEV_LOCK)]
    return STAMP.read_text(encoding="utf-8") in enough


def digest(lock: Path) -> str:
    """What the stamp holds once this lock has been installed."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def install(lock: Path) -> None:
    """Make the environment if there is none that works, and install the lock with its hashes."""
    print(f"Installing what {lock.name} names into .venv (once) …", flush=True)
    need_venv()
    run([sys.executable, "-m", "venv", str(VENV)])
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", str(lock)])
    STAMP.write_text(digest(lock), encoding="utf-8")


def need_venv() -> None:
    """Debian ships Python without the part that makes environments."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        sys.exit(
            "Python's venv module is missing. Install it with: apt-get install -y python3-venv"
        )


def run(command: "list[str]") -> None:
    """Run a command; when it fails, end with its code: it has said why."""
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(f"{command[0]} failed with code {code}.")


if __name__ == "__main__":
    main()
