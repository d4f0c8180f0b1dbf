"""The broker made of files: whatever happens in its folder, nobody falls over and no whole message is lost or doubled."""

import multiprocessing
import shutil
import threading
import time
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu.connection import Connection

QUEUE = "hammered"
PRODUCERS = 3
EACH = 150
LONGEST = 20.0


def _connection(folder: Path) -> Any:
    return Connection(  # type: ignore[no-untyped-call]
        "filesystem://localhost/",
        transport="jobs.broker:Transport",
        transport_options={"folder": str(folder), "polling_interval": 0.01},
    )


def _produce(folder: Path, name: str) -> None:
    with _connection(folder) as connection, connection.SimpleQueue(QUEUE) as queue:
        for number in range(EACH):
            queue.put(f"{name}-{number}")


class Consumer(threading.Thread):
    """Takes messages until told to stop; keeps what it got and what went wrong."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.got: list[str] = []
        self.error: Exception | None = None
        self.is_over = threading.Event()

    def run(self) -> None:
        """Until told to stop."""
        try:
            with _connection(self._folder) as connection, connection.SimpleQueue(QUEUE) as queue:
                while not self.is_over.is_set():
                    self._take(queue)
        except Exception as error:
            self.error = error

    def _take(self, queue: Any) -> None:
        try:
            message = queue.get(timeout=0.05)
        except Empty:
            return
        message.ack()
        self.got.append(message.payload)


def _wait_until(is_so: Any) -> None:
    deadline = time.monotonic() + LONGEST
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)


def _end(consumers: list[Consumer]) -> None:
    for consumer in consumers:
        consumer.is_over.set()
    for consumer in consumers:
        consumer.join(LONGEST)
    assert [consumer.error for consumer in consumers] == [None] * len(consumers)


def _start_consumers(folder: Path, count: int) -> list[Consumer]:
    consumers = [Consumer(folder) for _ in range(count)]
    for consumer in consumers:
        consumer.start()
    return consumers


def _start_producers(folder: Path) -> list[Any]:
    processes = multiprocessing.get_context("spawn")
    producers = [
        processes.Process(target=_produce, args=(folder, str(n))) for n in range(PRODUCERS)
    ]
    for producer in producers:
        producer.start()
    return producers


@pytest.mark.parametrize("count", [1, 2])
def test_every_message_arrives_once(tmp_path: Path, count: int) -> None:
    consumers = _start_consumers(tmp_path, count)
    producers = _start_producers(tmp_path)

    _wait_until(lambda: sum(len(consumer.got) for consumer in consumers) >= PRODUCERS * EACH)
    _end(consumers)

    got = [text for consumer in consumers for text in consumer.got]
    assert sorted(got) == sorted(f"{p}-{n}" for p in range(PRODUCERS) for n in range(EACH))
    assert [producer.join(LONGEST) or producer.exitcode for producer in producers] == [0, 0, 0]


def test_a_folder_that_goes_away_again_and_again_stops_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    consumers = _start_consumers(folder, 2)
    producers = _start_producers(folder)

    while any(producer.is_alive() for producer in producers):
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.002)
    _produce(folder, "after")
    _wait_until(lambda: sum(_is_after(text) for c in consumers for text in c.got) >= EACH)
    _end(consumers)

    got = [text for consumer in consumers for text in consumer.got]
    assert len(got) == len(set(got))
    assert sum(map(_is_after, got)) == EACH
    assert [producer.exitcode for producer in producers] == [0, 0, 0]


def _is_after(text: str) -> bool:
    return text.startswith("after-")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"properties": {}}', "\xff\x00"])
def test_a_file_that_is_no_message_is_passed_over_and_removed(tmp_path: Path, text: str) -> None:
    with _connection(tmp_path) as connection, connection.SimpleQueue(QUEUE) as queue:
        broken = tmp_path / QUEUE / "0.json"
        broken.parent.mkdir(exist_ok=True)
        broken.write_bytes(text.encode("latin-1"))
        queue.put("whole")

        assert queue.get(timeout=1).payload == "whole"
        assert not broken.exists()


def test_a_message_that_is_still_being_written_is_not_seen(tmp_path: Path) -> None:
    with _connection(tmp_path) as connection, connection.SimpleQueue(QUEUE) as queue:
        queue.put("whole")
        (file,) = (tmp_path / QUEUE).iterdir()
        file.rename(file.with_suffix(".part"))

        with pytest.raises(queue.Empty):
            queue.get(timeout=0.1)


def test_a_queue_of_any_name_stays_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    with _connection(folder) as connection, connection.SimpleQueue("../out/of it") as queue:
        queue.put("whole")

    assert [path.name for path in tmp_path.iterdir()] == ["broker"]
