"""Other people's software, each in an environment of its own, since what they need does not go together with ours."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.processes import PROJECT

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = PROJECT / "var" / "eyes"
_STAMP = "installed-lock"
_OLDEST_NODE = 20
_MOST_SECONDS = 300


class ToolAbsent(Exception):
    """It is not there and cannot be installed here; the text is a sentence that says why."""


@dataclass(frozen=True)
class PythonTool:
    """Python packages that ``requirements-<name>.lock`` beside this file names, and the newest Python for them."""

    name: str
    newest: tuple[int, int] | None = None

    def command(self) -> list[str]:
        """The interpreter that has them; installs them when they are not there. Raises ToolAbsent."""
        folder, lock = ENVIRONMENTS / self.name, HERE / f"requirements-{self.name}.lock"
        python = folder / "bin" / "python"
        if not _is_installed(folder, lock):
            _run([self._python(), "-m", "venv", "--clear", str(folder)], cwd=PROJECT)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([*pip, "--require-hashes", "-r", str(lock)], cwd=PROJECT)
            _stamp(folder, lock)
        return [str(python)]

    def _python(self) -> str:
        if self.newest is None or sys.version_info[:2] <= self.newest:
            return sys.executable
        name = "python{}.{}".format(*self.newest)
        found = shutil.which(name)
        if not found:
            raise ToolAbsent(f"There is no {name} for {self.name}.")
        return found


@dataclass(frozen=True)
class NodeTool:
    """The packages of npm that ``package-lock.json`` beside this file names."""

    def command(self) -> list[str]:
        """The interpreter; installs the packages when they are not there. Raises ToolAbsent."""
        node, lock, folder = _node(), HERE / "package-lock.json", HERE / "node_modules"
        if not _is_installed(folder, lock):
            _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=HERE)
            _stamp(folder, lock)
        return [node]


GOOGLE = PythonTool("google", newest=(3, 11))
CLIENTS = PythonTool("clients")
NODE = NodeTool()


def command_of(tool: PythonTool | NodeTool) -> list[str]:
    """The tool's interpreter; without it the test is skipped, and fails where REQUIRE_SERVICES=1."""
    try:
        return tool.command()
    except ToolAbsent as absent:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(f"{absent} REQUIRE_SERVICES=1 asks for it.")
        pytest.skip(str(absent))


def _is_installed(folder: Path, lock: Path) -> bool:
    stamp = folder / _STAMP
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _digest(lock)


def _stamp(folder: Path, lock: Path) -> None:
    (folder / _STAMP).write_text(_digest(lock), encoding="utf-8")


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _node() -> str:
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        raise ToolAbsent(f"There is no Node.js {_OLDEST_NODE} with npm.")
    command = [node, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    if int(said.removeprefix("v").partition(".")[0] or 0) < _OLDEST_NODE:
        raise ToolAbsent(f"Node.js is older than {_OLDEST_NODE}: {said.strip()}.")
    return node


def _run(command: list[str], *, cwd: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603  (the package installers)
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolAbsent(f"{Path(command[0]).name} did not end in {_MOST_SECONDS} s.") from None
    if done.returncode:
        said = " ".join(done.stderr.split()[-30:])
        raise ToolAbsent(f"{Path(command[0]).name} could not install it: {said}")
