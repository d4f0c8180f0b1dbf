"""Sends broken requests to the whole product, in one process on SQLite in memory, and says what came of them.

``python -m benchmarks.fuzz --requests 20000 --seed 1``. Exits 1 when anything is a fault of ours.
"""

import argparse
import logging
import sys
import tempfile
import time

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Organisation
from accounts.registering import make_host_key
from communities.loading import load_reference
from communities.models import Community
from config.demo import load_directories
from tests import cast
from tests.faults.from_openapi import fire_all
from tests.faults.fuzzing import Range, half_written

_KINDS_OF_OPERATION = 40  # about: operations of openapi.yaml, with right and with wrong requests
_SHOWN = 20


def main() -> int:
    """A third of the requests comes from openapi.yaml, the others are mutations of good ones."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--requests", type=int, default=20_000)
    reader.add_argument("--seed", type=int, default=1)
    wanted = reader.parse_args()
    logging.disable()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        field = _field(seed=wanted.seed, folder=folder)
        each = max(wanted.requests // 3 // _KINDS_OF_OPERATION, 1)
        fire_all(field.fire, each=each, number=wanted.seed)
        from_openapi = field.score.requests
        shots = field.shots()
        while field.score.requests < wanted.requests:
            field.fire(next(shots))
    torn = half_written()
    sys.stdout.write(
        f"{field.score.line()}; {len(torn)} rows half written; {from_openapi} requests made from openapi.yaml;"
        f" seed {wanted.seed}, {time.monotonic() - began:.0f} s\n"
        f"{dict(sorted(field.score.statuses.items()))}\n"
    )
    for fault in [*field.score.faults, *torn][:_SHOWN]:
        sys.stdout.write(f"- {fault}\n")
    return 1 if field.score.faults or torn else 0


def _field(*, seed: int, folder: str) -> Range:
    settings.MESSAGES_FOLDER = settings.STATIC_ROOT = folder
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10**9)  # nobody is told to slow down
    settings.ALLOWED_HOSTS = ["testserver"]  # what the test client calls itself
    call_command("migrate", verbosity=0)
    load_reference(at=timezone.now())
    load_directories(at=timezone.now())
    practice = Organisation.objects.get(ods_code=cast.PRACTICE)
    host = Community.objects.select_related("host").get(key="f001").host
    return Range(
        system=cast.clinical_system(practice),
        community=cast.Community(make_host_key(host=host, at=timezone.now())),
        browser=cast.commissioner_of(cast.ICB),
        seed=seed,
    )


if __name__ == "__main__":
    sys.exit(main())
