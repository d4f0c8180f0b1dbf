"""Processes whose jobs can be counted: each leaves one row or hands one number over.

Run as a module: ``python -m tests.faults.counted worker`` does jobs, ``… write 20`` writes so many of either kind
down.
"""

import os
import sys
import time
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import django
from celery.bin.celery import celery

EFFECT = "Effect of job "
_WORKER = ["-A", "config", "--quiet", "worker", "--loglevel", "WARNING", "--without-gossip"]


def carrier_file() -> Path:
    """Where the carrier notes each number that it is handed."""
    return Path(os.environ["MESSAGES_FOLDER"]) / "handed-over"


def _leave_row(*, number: str, **_: object) -> None:
    models: Any = import_module("accounts.models")
    models.Organisation.objects.create(kind="host", name=f"{EFFECT}{number}")
    time.sleep(0.01)  # something to be killed in


def _hand_over(*, number: str, **_: object) -> None:
    time.sleep(0.03)
    with carrier_file().open("a", encoding="utf-8") as file:
        file.write(f"{number}\n")


def _work(name: str) -> None:
    kinds: Any = import_module("jobs.models").JobKind
    leases: Any = import_module("jobs.leases")
    running: Any = import_module("jobs.running")
    leases.LEASE, leases.RENEW_EVERY = timedelta(seconds=2), timedelta(seconds=0.5)
    running._HANDLERS.clear()
    running.handles(kinds.MATCH)(_leave_row)
    running.handles(kinds.HAND_OVER)(_hand_over)
    celery.main([*_WORKER, "--without-mingle", "-n", f"{name}@%h"])


def _write(count: int) -> None:
    kinds: Any = import_module("jobs.models").JobKind
    queue: Any = import_module("jobs.queue")
    now: Any = import_module("django.utils.timezone").now
    for number in range(count):
        for kind in (kinds.MATCH, kinds.HAND_OVER):
            queue.enqueue(kind, tenant_id=uuid4(), at=now(), number=str(number))


def main() -> None:
    """Django is set up first: only then can what needs its models be imported."""
    django.setup()
    what, argument = sys.argv[1:]
    if what == "worker":
        _work(argument)
    else:
        _write(int(argument))


if __name__ == "__main__":
    main()
