"""Rows that the tests of one module share: written once, there for each of them, and changed by none for the others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from tests import application_role

Built = TypeVar("Built")


def surroundings(folder: Path) -> dict[str, Any]:
    """The settings with which nothing is written into the project, and nothing waits on a strong password hash."""
    return {
        "MESSAGES_FOLDER": str(folder / "messages"),
        "STATIC_ROOT": str(folder),
        "AUDIT_HEADS_FILE": str(folder / "audit-heads.jsonl"),
        "STORAGES": {
            **settings.STORAGES,
            "staticfiles": {
                "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
            },
        },
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    }


@contextmanager
def rows(build: Callable[[], Built], *, folder: Path, blocker: DjangoDbBlocker) -> Iterator[Built]:
    """What ``build`` has made, in a transaction in which every test of the module begins and is rolled back to.

    For a fixture of a module none of whose tests has real transactions. Objects that a test may change it must copy.
    """
    held = transaction.atomic()
    held._from_testcase = True  # type: ignore[attr-defined]  # as Django's own: durable blocks may stand in it
    with blocker.unblock():
        held.__enter__()
        application_role.put_on()
        with override_settings(**surroundings(folder)):
            built = build()
    try:
        yield built
    finally:
        with blocker.unblock():
            transaction.set_rollback(True)
            held.__exit__(None, None, None)
