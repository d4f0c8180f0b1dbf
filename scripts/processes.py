"""The running product: web, worker and scheduler as child processes of whoever starts them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

PROJECT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
_START_SECONDS = 60.0
_END_SECONDS = 10.0
_FIRST_DELAY_SECONDS = 1.0
_LONGEST_DELAY_SECONDS = 30.0
_STEADY_SECONDS = 60.0
_FOR_THE_OWNER = 0o077  # the umask: databases, messages and keys are nobody else's


class ProcessEnded(Exception):
    """One of the processes has ended although nobody asked it to."""


class CommandFailed(Exception):
    """A command of ``manage.py`` failed; the text is what it said."""


class PortBusy(Exception):
    """Another program listens there."""


def take_port(port: int) -> socket.socket:
    """A socket bound to the port (0: any free one), to be handed to the web server. Raises PortBusy."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        bound.listen()
    except OSError as error:
        bound.close()
        raise PortBusy(f"Port {port} is in use by another program.") from error
    return bound


def manage(*arguments: str, environment: Mapping[str, str]) -> str:
    """Run ``manage.py`` and give what it printed. Raises CommandFailed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        umask=_FOR_THE_OWNER,
        check=False,
    )
    if done.returncode:
        raise CommandFailed(f"manage.py {arguments[0]} failed:\n{done.stderr[-3000:]}")
    return done.stdout


class Processes:
    """Web, worker and scheduler. ``logs`` is a folder for what they print; without it they print here."""

    def __init__(self, *, environment: Mapping[str, str], logs: Path | None = None) -> None:
        self._environment = dict(environment)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, list[str]] = {}

    def start(self, listener: socket.socket) -> None:
        """Start all three; the web server takes over ``listener``."""
        web = ["-m", "gunicorn", "config.wsgi", "--config", "python:config.serving"]
        web += ["--bind", f"fd://{listener.fileno()}"]
        self._start("web", web, keep=(listener.fileno(),))
        listener.close()
        self.start_background()

    def start_background(self) -> None:
        """Start a worker and a scheduler: all of it on a second machine, which has no web server."""
        self._commands = _background()
        for name in self._commands:
            self.start_again(name)

    def start_again(self, name: str) -> None:
        """Start the worker or the scheduler after its end."""
        self._start(name, self._commands[name])

    def _start(self, name: str, command: list[str], *, keep: tuple[int, ...] = ()) -> None:
        output = self._output(name)
        self._running[name] = subprocess.Popen(
            [sys.executable, *command],
            cwd=PROJECT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=keep,
            umask=_FOR_THE_OWNER,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
        )
        if output:
            output.close()

    def _output(self, name: str) -> IO[bytes] | None:
        return (self._logs / f"{name}.log").open("ab") if self._logs else None

    def wait_until_ready(self, base_url: str) -> None:
        """Return when the web server says that it is ready. Raises ProcessEnded or TimeoutError."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            try:
                with urlopen(f"{base_url}/health/ready", timeout=2):  # noqa: S310  (our own http address)
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise TimeoutError(f"The web server was not ready after {_START_SECONDS:.0f} seconds.")

    def check(self) -> None:
        """Raise ProcessEnded when one has ended."""
        for name, code in self.ended().items():
            raise ProcessEnded(f"The {name} process ended with code {code}.")

    def ended(self) -> dict[str, int]:
        """Those that have ended by themselves, with their exit codes."""
        codes = {name: process.poll() for name, process in self._running.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def stop(self) -> None:
        """End all of them: first politely, then not."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
        self.kill()

    def kill(self, *names: str) -> None:
        """End these (or all) at once with their children, as a power cut would."""
        for name in names or tuple(self._running):
            process = self._running.pop(name)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its own session: itself and its children
            process.wait()

    def kill_a_child(self, name: str) -> None:
        """End one of its child processes at once; it is to start another by itself."""
        pid = self._running[name].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
        for child in children[:1]:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)


def _background() -> dict[str, list[str]]:
    celery = ["-m", "celery", "-A", "config", "--quiet"]
    # Its five lines about root: in a container there is often nobody else.
    worker = ["-W", "ignore::UserWarning:celery.platforms", *celery, "worker"]
    worker += ["-n", f"worker-{os.getpid()}@%h", "--without-gossip", "--without-mingle"]
    commands = {"worker": worker, "scheduler": [*celery, "beat", "--pidfile="]}
    return {name: [*command, "--loglevel", "WARNING"] for name, command in commands.items()}


class Restarts:
    """Starts a worker or scheduler that has ended again, later each time; the end of web is the end of all.

    ``say`` is given one line for each end.
    """

    def __init__(self, processes: Processes, say: Callable[[str], None]) -> None:
        self._processes = processes
        self._say = say
        self._started: dict[str, float] = {}
        self._delays: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def look(self) -> None:
        """Notice who has ended and start whose time has come. Raises ProcessEnded for web."""
        ended = self._processes.ended()
        if "web" in ended:
            self._processes.check()
        now = time.monotonic()
        for name, code in ended.items():
            if name not in self._due:
                self._plan(name, code, now)
            elif now >= self._due[name]:
                del self._due[name]
                self._started[name] = now
                self._processes.start_again(name)

    def _plan(self, name: str, code: int, now: float) -> None:
        is_steady = now - self._started.get(name, -_STEADY_SECONDS) >= _STEADY_SECONDS
        before = 0.0 if is_steady else self._delays.get(name, 0.0)
        delay = min(before * 2 or _FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS)
        self._delays[name], self._due[name] = delay, now + delay
        self._say(f"The {name} process ended with code {code}. It starts again in {delay:.0f} s.")
