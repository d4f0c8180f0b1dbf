"""What is printed and what is kept of a run: medians, ratios, every round, and the machine they were measured on."""

import json
import os
import platform
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.duel import Duel
from benchmarks.processes import Memory

RESULTS = Path(__file__).resolve().parent / "results"
_FIGURES = ("rate", "p50", "p95", "p99", "cpu", "application_cpu", "database_cpu", "client_cpu")
_RATIOS = ("rate", "p50", "p95", "p99", "cpu")
_PACKAGES = ("django", "djangorestframework", "fhir.resources", "gunicorn", "psycopg")


def line_of(duel: Duel) -> str:
    """A duel in one line: the first's figures, the second's, and the ratios."""
    first, second = ({what: duel.median(side, what) for what in _FIGURES} for side in (0, 1))
    floor = f", {duel.of_floor:.1%} of bare PostgreSQL" if duel.floors else ""
    return (
        f"{duel.work}, {duel.connections} connections: {duel.names[0]} {_said(first)};"
        f" {duel.names[1]} {_said(second)};"
        f" rate × {duel.ratio('rate'):.2f}, CPU × {duel.ratio('cpu'):.2f}{floor}"
        + (f"; {duel.failed} FAILED, {duel.hung} of them HUNG" if duel.failed else "")
    )


def _said(figures: dict[str, float]) -> str:
    times = " / ".join(f"{figures[what]:.1f}" for what in ("p50", "p95", "p99"))
    return (
        f"{figures['rate']:.0f}/s, p50 / p95 / p99 {times} ms, CPU {figures['cpu']:.2f} ms"
        f" ({figures['database_cpu']:.2f} of it PostgreSQL)"
    )


def memory_line(name: str, memory: Memory) -> str:
    """What a web server's processes hold after the load."""
    return (
        f"memory of {name} after load: {memory.proportional:.0f} MB"
        f" ({memory.resident:.0f} MB when what processes share is counted for each)"
    )


def machine(*, postgres: str) -> dict[str, Any]:
    """Core counts and versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgresql": postgres,
        "load": "benchmarks/load.py: threads of one process, on the same cores",
        **{package: version(package) for package in _PACKAGES},
    }


def keep(
    duels: list[Duel], memory: dict[str, Memory], *, surroundings: dict[str, Any], at: datetime
) -> Path:
    """Write everything to a file of its own; where it is."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"surface-{at:%Y%m%dT%H%M%S}.json"
    content = {
        "at": at.isoformat(),
        **surroundings,
        "memory_mb": {name: asdict(each) for name, each in memory.items()},
        "figures": [_kept(duel) for duel in duels],
    }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


def _kept(duel: Duel) -> dict[str, Any]:
    sides = {
        name: {what: duel.median(side, what) for what in _FIGURES}
        for side, name in enumerate(duel.names)
    }
    rounds = [
        {name: asdict(turn) for name, turn in zip(duel.names, turns, strict=True)}
        for turns in duel.rounds
    ]
    floor = {"of_floor": duel.of_floor, "floors": duel.floors} if duel.floors else {}
    return {
        "work": duel.work,
        "connections": duel.connections,
        "medians": sides,
        "ratios": {what: duel.ratio(what) for what in _RATIOS},
        **floor,
        "rounds": rounds,
    }
