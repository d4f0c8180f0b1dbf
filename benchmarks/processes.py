"""What is measured: a web server of one's own on loopback, and the CPU and memory of a process with all below it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from scripts.outsiders import Http
from scripts.processes import HOST, PROJECT, take_port

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _CPU = (
    1,
    slice(11, 15),
)  # places in /proc/<pid>/stat after the name: own and reaped children's CPU
_KIB_IN_MB = 1000 * 1000 / 1024


class Web:
    """gunicorn with one application, as ``config.serving`` (or another module) says, until the end of the block."""

    def __init__(
        self,
        application: str,
        environment: Mapping[str, str],
        folder: Path,
        *,
        serving: str = "config.serving",
    ) -> None:
        self._listener = take_port(0)
        self.port: int = self._listener.getsockname()[1]
        self.base_url = f"http://{HOST}:{self.port}"
        self._command = ["-m", "gunicorn", application, "--config", f"python:{serving}"]
        self._command += ["--bind", f"fd://{self._listener.fileno()}"]
        self._folder = folder
        self._environment = {
            **environment,
            "PUBLIC_BASE_URL": self.base_url,
            "PROMETHEUS_MULTIPROC_DIR": str(folder / f"metrics-{self.port}"),
        }

    def __enter__(self) -> Self:
        with (self._folder / f"web-{self.port}.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  (our own command)
                [sys.executable, *self._command],
                cwd=PROJECT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._listener.fileno(),),
                start_new_session=True,
            )
        self._listener.close()
        try:
            Http(self.base_url).send("/fhir/R4/metadata")  # whatever the answer: it is there
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def pid(self) -> int:
        """The process above all that serve."""
        return self._process.pid


@dataclass(frozen=True)
class Memory:
    """In MB: pages that processes share counted once, and counted for each."""

    proportional: float
    resident: float


def cpu_of(pid: int) -> float:
    """Seconds of user and system time of a process, those below it, and those of them that have ended."""
    ticks = (sum(int(field) for field in _stat(each)[_CPU]) for each in _tree(pid))
    return sum(ticks) / _TICKS


def memory_of(pid: int) -> Memory:
    """What a process and those below it hold now."""
    sums = {"Pss": 0, "Rss": 0}
    for each in _tree(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name in sums:
                sums[name] += int(rest.split()[0])
    return Memory(sums["Pss"] / _KIB_IN_MB, sums["Rss"] / _KIB_IN_MB)


def parent_of(pid: int) -> int:
    """The process that started this one."""
    return int(_stat(pid)[_PARENT])


def _tree(pid: int) -> Iterator[int]:
    parents = {int(place.name): _stat(int(place.name)) for place in Path("/proc").glob("[0-9]*")}
    below = [pid]
    while below:
        yield (above := below.pop())
        below += [each for each, stat in parents.items() if stat and int(stat[_PARENT]) == above]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name, which may hold blanks; none when the process has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
