"""Bodies as the tests kept them, what the checkers find in them, and the alarms that are known to be false."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from pathlib import Path

from tests.eyes.tools import GOOGLE, HERE, NODE, NodeTool, PythonTool, command_of


@dataclass(frozen=True)
class Body:
    """A FHIR resource as it went over the wire, where it was seen, and in which test."""

    text: str
    origin: str
    test: str

    @property
    def resource_type(self) -> str:
        """The type that it says it is."""
        return str(json.loads(self.text)["resourceType"])


@dataclass(frozen=True)
class Finding:
    """A fault that a checker sees in a body."""

    body: Body
    fault: str

    def __str__(self) -> str:
        return f"{self.fault}\n    {self.body.origin} in {self.body.test}\n    {self.body.text}"


@dataclass(frozen=True)
class Checker:
    """Somebody else's program that checks FHIR."""

    name: str
    tool: PythonTool | NodeTool
    program: str

    def findings(self, bodies: tuple[Body, ...]) -> list[Finding]:
        """Every fault in these bodies, in their order. Each half of them is looked at by a process of its own."""
        command, half = command_of(self.tool), len(bodies) // 2
        with ThreadPoolExecutor(2) as both:
            halves = both.map(partial(self._faults, command), (bodies[:half], bodies[half:]))
            faults = [*chain.from_iterable(halves)]
        return [
            Finding(body, fault)
            for body, found in zip(bodies, faults, strict=True)
            for fault in found
        ]

    def _faults(self, command: list[str], bodies: tuple[Body, ...]) -> list[list[str]]:
        done = subprocess.run(  # noqa: S603  (a program of our own)
            [*command, str(HERE / "checkers" / self.program)],
            input="".join(json.dumps(body.text) + "\n" for body in bodies),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        # Not splitlines: what Node writes may hold other characters that end a line.
        faults = [json.loads(line) for line in done.stdout.split("\n") if line]
        assert len(faults) == len(bodies), "one line for each, or the checker is broken"
        return faults


@dataclass(frozen=True)
class FalseAlarm:
    """A finding that is known to be wrong: whose, what it says (a pattern), in what body (a pattern), and why."""

    checker: str
    fault: str
    body: str
    reason: str

    def explains(self, finding: Finding) -> bool:
        """Whether the finding is this one."""
        return bool(
            re.search(self.fault, finding.fault) and re.search(self.body, finding.body.text)
        )


CHECKERS = (
    Checker("google-fhir-r4", GOOGLE, "google_fhir.py"),
    Checker("Lantana fhir", NODE, "lantana.mjs"),
    Checker("Medplum", NODE, "medplum.mjs"),
)
FALSE_ALARMS = tuple(
    FalseAlarm(**alarm)
    for alarm in tomllib.loads((HERE / "false-alarms.toml").read_text(encoding="utf-8"))["alarm"]
)


@cache
def kept(folder: Path) -> tuple[Body, ...]:
    """The bodies in a folder, each text once."""
    return tuple({body.text: body for body in _read(folder)}.values())


def _read(folder: Path) -> Iterator[Body]:
    for file in sorted(folder.glob("*.ndjson")):
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            yield Body(entry["body"], entry["origin"], entry["test"])
