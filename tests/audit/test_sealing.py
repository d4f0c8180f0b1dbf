"""Every entry is sealed once, whenever it was committed and whoever else is sealing."""

import logging
from pathlib import Path
from threading import Barrier

import pytest
from django.conf import settings as configured
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from audit import sealing, tasks
from audit.models import Action, Entry, Seal
from tests.api.test_races import at_once
from tests.audit.tampering import LONG_AGO, heads, recorded, seal, sealed, verified

pytestmark = pytest.mark.django_db


def committed_late(entry_id: int) -> None:
    """An entry whose transaction took its id before others, and was committed after them."""
    Entry.objects.create(
        pk=entry_id, at=timezone.now() - LONG_AGO, action=Action.LINK_OPENED, actor="system"
    )


def test_each_run_writes_its_head_into_the_log_and_into_the_file(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="audit.tasks"):
        sealed(2)
        seal()
        sealed(1)

    assert [head["position"] for head in heads()] == [2, 3]
    logged = [(line.position, line.mac) for line in caplog.records]  # type: ignore[attr-defined]
    assert logged == [(head["position"], head["mac"]) for head in heads()]


def test_sealing_goes_on_when_the_file_cannot_be_written(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AUDIT_HEADS_FILE = str(tmp_path)

    sealed(2)

    assert Seal.objects.count() == 2
    assert "could not be written to AUDIT_HEADS_FILE" in caplog.text


def test_an_entry_that_is_committed_late_is_sealed_after_those_with_higher_ids() -> None:
    [first] = sealed(1)
    committed_late(first + 10)
    seal()
    committed_late(first + 5)
    seal()

    order = Seal.objects.order_by("position").values_list("position", "entry_id")
    assert list(order) == [(1, first), (2, first + 10), (3, first + 5)]
    assert verified().startswith("3 entries")


def test_an_entry_that_is_committed_very_late_is_sealed_by_the_run_that_looks_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealing, "LOOK_BACK", 1)
    [first] = sealed(1)
    for entry_id in (first + 10, first + 11):
        committed_late(entry_id)
    seal()
    committed_late(first + 5)
    seal()
    assert Seal.objects.count() == 3

    seal(looks_at_all=True)

    assert verified().startswith("4 entries")


def test_more_than_one_batch_is_sealed_in_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)

    sealed(5)

    assert Seal.objects.count() == 5
    assert [head["position"] for head in heads()] == [5]


def test_a_long_backlog_leaves_the_worker_to_others_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealing, "BATCH", 1)
    monkeypatch.setattr(tasks, "MOST_BATCHES", 2)

    sealed(5)

    assert Seal.objects.count() == 2


def test_the_schedule_seals_every_few_seconds() -> None:
    every = [
        (entry["schedule"], entry.get("kwargs", {}))
        for entry in configured.CELERY_BEAT_SCHEDULE.values()
        if entry["task"] == tasks.seal_audit.name
    ]

    assert every == [(5.0, {}), (3600.0, {"looks_at_all": True})]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite in memory has one connection")
def test_two_sealers_at_once_make_one_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 7)
    recorded(100)

    at_once(lambda _side: seal(), sides=4)
    seal()

    positions = list(Seal.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, 101))
    assert verified().startswith("100 entries")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite in memory has one connection")
def test_whoever_records_does_not_wait_for_the_sealer() -> None:
    sealed_and_waiting, has_recorded = Barrier(2), Barrier(2)
    recorded(2)

    def one(side: int) -> int:
        if side:
            with transaction.atomic():
                head = sealing.seal_next()
                sealed_and_waiting.wait(timeout=10)
                has_recorded.wait(timeout=10)
            return head.position if head else 0
        sealed_and_waiting.wait(timeout=10)
        ids = recorded(1)
        is_busy = sealing.seal_next() is None
        has_recorded.wait(timeout=10)
        return len(ids) if is_busy else -1

    assert at_once(one, sides=2) == [1, 2]
