"""``make test``: the whole suite, on every database and broker that answers here, and a plain account of it."""

import os
import secrets
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from scripts.processes import PROJECT
from scripts.services import CHROMIUM, POSTGRES, SERVICES, Service

FAST = "not journey and not browser and not eyes"
BODIES = "BODIES_FOLDER"  # where the tests keep FHIR bodies for the independent checkers
_NO_TESTS = 5  # pytest's exit code
# Of each connection of the tests on PostgreSQL: what they write need not outlive a power cut, and to compile the plans
# of sixty tables' policies takes a hundred times as long as to run them.
_OPTIONS = f"options={quote('-c synchronous_commit=off -c jit=off')}"


@dataclass
class Part:
    """One run of pytest and what came of it."""

    name: str
    marks: str
    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    code: int = 0

    def run(self) -> None:
        """Run pytest and read its report."""
        began = time.monotonic()
        print(f"\n== {self.name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", "-q", "-m", self.marks, *self.arguments]
            done = subprocess.run(
                [*command, f"--junitxml={report}"],
                cwd=PROJECT,
                env={**os.environ, **self.environment},
                check=False,
            )
            self.code = done.returncode
            if report.exists():
                self._read(report)
        self.seconds = time.monotonic() - began

    def _read(self, report: Path) -> None:
        for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314  (pytest wrote it)
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                self.counts["failed"] += 1
            elif skipped is not None:
                self.counts["skipped"] += 1
                self.reasons[skipped.get("message") or "no reason given"] += 1
            else:
                self.counts["passed"] += 1

    @property
    def line(self) -> str:
        """What to say of it."""
        if self.code == _NO_TESTS:
            return f"{self.name}: FAILED, there were no tests"
        found = ", ".join(f"{self.counts[word]} {word}" for word in ("passed", "failed", "skipped"))
        note = f" (pytest ended with code {self.code})" if self.code else ""
        return f"{self.name}: {found} in {self.seconds:.0f} s{note}"


def main() -> int:
    """Run what can be run; exit 1 on any failure, and on a missing service where REQUIRE_SERVICES=1."""
    missing = [service for service in SERVICES if not service.answers()]
    with tempfile.TemporaryDirectory() as bodies:
        return run(_parts(missing, bodies), missing)


def run(parts: list[Part], missing: list[Service]) -> int:
    """Run these parts one after the other and say what ran; 1 when something failed, else 0."""
    is_strict = os.environ.get("REQUIRE_SERVICES", "") == "1"
    for part in parts:
        part.run()
    total: Counter[str] = sum((part.counts for part in parts), Counter())
    has_failed = any(part.code for part in parts)
    print("\n== What ran")
    for part in parts:
        print(part.line)
        for reason, count in part.reasons.most_common():
            print(f"  skipped {count}: {reason}")
    for service in missing:
        print(f"{'FAILED' if is_strict else 'skipped'}: {service.without}")
    failed = total["failed"] + (len(missing) if is_strict else 0)
    print(f"{total['passed']} passed, {failed} failed, {total['skipped']} skipped", flush=True)
    return 1 if has_failed or failed else 0


def _parts(missing: list[Service], bodies: str) -> list[Part]:
    parts = [watched("SQLite", database="", bodies=bodies)]
    if POSTGRES not in missing:
        # A name of its own, so that two runs on one server do not meet.
        name = f"/peer_{secrets.token_hex(4)}"
        server = urlsplit(POSTGRES.address)
        query = "&".join(filter(None, (server.query, _OPTIONS)))
        address = server._replace(path=name, query=query).geturl()
        parts.append(watched("PostgreSQL", database=address, bodies=bodies))
    parts.append(independent_eyes(bodies))
    slow = "journey" if CHROMIUM in missing else "journey or browser"
    parts.append(Part("Journeys and browser", slow, [], {"DATABASE_URL": ""}))
    return parts


def watched(name: str, *, database: str, bodies: str) -> Part:
    """The fast tests on a database; every FHIR body of theirs is kept in the folder ``bodies``."""
    spread = ["-n", "2", "-p", "tests.eyes.recorder"]
    return Part(name, FAST, spread, {"DATABASE_URL": database, BODIES: bodies})


def independent_eyes(bodies: str) -> Part:
    """Other people's checkers over what was kept; ``-s`` shows their account."""
    return Part(
        "Independent eyes", "eyes", ["-s", "tests/eyes"], {"DATABASE_URL": "", BODIES: bodies}
    )


if __name__ == "__main__":
    sys.exit(main())
