"""Two servers do the same work turn by turn, so that the machine's other load falls on both alike."""

import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from multiprocessing import get_context
from typing import Self

from benchmarks.load import NO_ANSWER, Answers, Load, drive
from benchmarks.processes import cpu_of
from benchmarks.sender import Work

_MOST_A_SECOND = 2000  # requests that can be sent but once are made before the clock runs
_WARM_UP_SECONDS = 0.5
_PORTION = 1000  # requests that are made at once, with a token that outlives them


@dataclass(frozen=True)
class Turn:
    """What one server did. Times in milliseconds; CPU is user and system time for each answer, the client's uncounted."""

    rate: float
    p50: float
    p95: float
    p99: float
    application_cpu: float
    database_cpu: float
    client_cpu: float
    answers: int
    failed: int
    hung: int

    @property
    def cpu(self) -> float:
        """Of the application and PostgreSQL together."""
        return self.application_cpu + self.database_cpu


@dataclass(frozen=True)
class Duel:
    """The rounds of one work over so many connections; ``floors`` are what else was measured in each round."""

    work: str
    connections: int
    names: tuple[str, str]
    rounds: list[tuple[Turn, Turn]]
    floors: list[float] = field(default_factory=list)

    def median(self, side: int, what: str) -> float:
        """The median of a figure over the rounds."""
        return statistics.median(float(getattr(turns[side], what)) for turns in self.rounds)

    def ratio(self, what: str) -> float:
        """The median of the ratios, first by second, of each round."""
        return statistics.median(
            float(getattr(first, what) / getattr(second, what)) for first, second in self.rounds
        )

    @property
    def failed(self) -> int:
        """How many answers were not as expected."""
        return sum(turn.failed for turns in self.rounds for turn in turns)

    @property
    def hung(self) -> int:
        """How many never came."""
        return sum(turn.hung for turns in self.rounds for turn in turns)

    @property
    def of_floor(self) -> float:
        """The median of the first's rate by the floor's."""
        pairs = zip(self.rounds, self.floors, strict=True)
        return statistics.median(first.rate / floor for (first, _), floor in pairs)


class Arena:
    """Where duels are held: a client in a process of its own, and the CPU of PostgreSQL to look at."""

    def __init__(self, client: ProcessPoolExecutor, *, postgres: int, seconds: float) -> None:
        self._client = client
        self._postgres = postgres
        self._seconds = seconds

    @classmethod
    @contextmanager
    def opened(cls, *, postgres: int, seconds: float) -> Iterator[Self]:
        """An arena whose client ends with the block."""
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as client:
            yield cls(client, postgres=postgres, seconds=seconds)

    def duel(
        self,
        first: Work,
        second: Work,
        *,
        connections: int,
        rounds: int,
        floor: Callable[[], float] | None = None,
    ) -> Duel:
        """So many rounds, each side a turn in each."""
        for work in (first, second):
            self._drive(work, connections, _WARM_UP_SECONDS)
        turns, floors = [], []
        for _ in range(rounds):
            turns.append((self._turn(first, connections), self._turn(second, connections)))
            if floor:
                floors.append(floor())
        return Duel(first.name, connections, (first.by, second.by), turns, floors)

    def finish(self, work: Work, *, number: int, connections: int) -> None:
        """Do so much of a work, however long it takes. Raises RuntimeError when one fails."""
        for begin in range(0, number, _PORTION):
            portion = min(_PORTION, number - begin)
            load = Load(work.web.port, work.make(portion), connections, inf, is_repeated=False)
            answers = self._client.submit(drive, load).result()
            if answers.statuses != {work.expected: portion}:
                raise RuntimeError(f"{work.by} answered {dict(answers.statuses)}")

    def _turn(self, work: Work, connections: int) -> Turn:
        pids = (work.web.pid, self._postgres)
        began = [cpu_of(pid) for pid in pids]
        answers = self._drive(work, connections, self._seconds)
        application, database = (
            cpu_of(pid) - before for pid, before in zip(pids, began, strict=True)
        )
        return _turn_of(answers, application, database, expected=work.expected)

    def _drive(self, work: Work, connections: int, seconds: float) -> Answers:
        requests = work.make(int(seconds * _MOST_A_SECOND))
        load = Load(work.web.port, requests, connections, seconds, work.is_repeated)
        return self._client.submit(drive, load).result()


def _turn_of(answers: Answers, application: float, database: float, *, expected: int) -> Turn:
    number = len(answers.latencies)
    percentiles = statistics.quantiles(answers.latencies, n=100, method="inclusive")
    milliseconds = 1000 / number
    return Turn(
        rate=answers.rate,
        p50=percentiles[49] * 1000,
        p95=percentiles[94] * 1000,
        p99=percentiles[98] * 1000,
        application_cpu=application * milliseconds,
        database_cpu=database * milliseconds,
        client_cpu=answers.cpu * milliseconds,
        answers=number,
        failed=number - answers.statuses[expected],
        hung=answers.statuses[NO_ANSWER],
    )
