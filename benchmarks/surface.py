"""``make bench``: creates, transactions, reads and searches over FHIR on PostgreSQL, beside a naive control.

``python -m benchmarks.surface [--seconds 5] [--rounds 3] [--referrals 20000]``. Starts a PostgreSQL, a Redis and the
web servers of its own on loopback. The product has everything switched on: sign-in, checks, tenancy, encryption, audit
and jobs; no worker runs, so that every referral stays as it was received. The same requests go to the control; beside
transactions bare PostgreSQL writes the same rows. All take turns, and what counts are the medians of the ratios.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from benchmarks import contestants, floor, report
from benchmarks.duel import Arena, Duel
from benchmarks.processes import Memory, memory_of, parent_of
from benchmarks.sender import PAGE, Sender
from scripts.servers import PostgresCluster, RedisServer, missing
from scripts.stack import Stack

_CONNECTIONS = (1, 8, 32)
_WORKS = ("create", "transaction", "read", "task_page", "of_patient")
_AT_THE_FLOOR = ("transaction", 8)  # what bare PostgreSQL is measured beside
_FILLING = 16
_DEEP = 1000
_POOLS = (4, 20)
_CROWD = 64


def main() -> int:
    """Measure, print each figure as it is there, keep all; 1 when a request failed or a server is missing."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--seconds", type=float, default=5.0, help="of each turn")
    reader.add_argument("--rounds", type=int, default=3)
    reader.add_argument("--referrals", type=int, default=_DEEP * PAGE, help="there before")
    wanted = reader.parse_args()
    if lack := missing():
        sys.stderr.write(f"{lack}\n")
        return 1
    with _stack() as (cluster, stack):
        bench = Bench(wanted, cluster, stack)
        bench.run()
        _tell(f"Kept in {bench.keep()}")
    return 1 if any(duel.failed for duel in bench.duels) else 0


@contextmanager
def _stack() -> Iterator[tuple[PostgresCluster, Stack]]:
    """The product's database, broker and folder; none of its processes runs."""
    with (
        PostgresCluster() as cluster,
        RedisServer() as redis,
        Stack(
            database=cluster.address, broker=redis.address, settings=contestants.SETTINGS
        ) as stack,
    ):
        stack.processes.kill()
        yield cluster, stack


class Bench:
    """One run: what was asked for, where, and what has been measured so far."""

    def __init__(self, wanted: argparse.Namespace, cluster: PostgresCluster, stack: Stack) -> None:
        self._wanted = wanted
        self._cluster = cluster
        self._stack = stack
        self._memory: dict[str, Memory] = {}
        self.duels: list[Duel] = []

    def run(self) -> None:
        """All of it."""
        if not floor.is_there():
            _tell("There is no pgbench, so bare PostgreSQL is not measured.")
        floor.prepare(self._cluster.address)
        with Arena.opened(postgres=self._postmaster(), seconds=self._wanted.seconds) as arena:
            with (
                contestants.product(self._stack) as product,
                contestants.naive(self._stack, self._cluster) as naive,
            ):
                self._fill(arena, product, naive)
                self._against_control(arena, product, naive)
                self._deep_page(arena, product)
            self._pools(arena)

    def keep(self) -> str:
        """Write it all down; where it is."""
        [[version]] = self._cluster.rows("postgres", "SHOW server_version")
        surroundings = {
            "machine": report.machine(postgres=str(version)),
            "run": vars(self._wanted),
        }
        at = datetime.now(UTC)
        return str(report.keep(self.duels, self._memory, surroundings=surroundings, at=at))

    def _postmaster(self) -> int:
        """The process above all of PostgreSQL's."""
        question = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        [[checkpointer]] = self._cluster.rows("postgres", question)
        return parent_of(int(str(checkpointer)))

    def _fill(self, arena: Arena, *senders: Sender) -> None:
        for sender in senders:
            number = self._wanted.referrals
            arena.finish(sender.transaction, number=number, connections=_FILLING)
            sender.look()
        databases = self._cluster.rows(
            "postgres", "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
        )
        for [name] in databases:
            address = self._cluster.address
            with psycopg.connect(address, dbname=str(name), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")

    def _against_control(self, arena: Arena, product: Sender, naive: Sender) -> None:
        for work in _WORKS:
            for connections in _CONNECTIONS:
                is_at_floor = (work, connections) == _AT_THE_FLOOR and floor.is_there()
                duel = arena.duel(
                    getattr(product, work),
                    getattr(naive, work),
                    connections=connections,
                    rounds=self._wanted.rounds,
                    floor=self._floor if is_at_floor else None,
                )
                self._say(duel)
        for sender in (product, naive):
            self._memory[sender.name] = memory_of(sender.web.pid)
            _tell(report.memory_line(sender.name, self._memory[sender.name]))

    def _floor(self) -> float:
        _, connections = _AT_THE_FLOOR
        return floor.rate(
            self._cluster.address, connections=connections, seconds=self._wanted.seconds
        )

    def _deep_page(self, arena: Arena, product: Sender) -> None:
        """The last page that was filled, or the thousandth, beside the first."""
        deep = product.listing(min(_DEEP, self._wanted.referrals // PAGE))
        self._say(arena.duel(deep, product.listing(1), connections=1, rounds=self._wanted.rounds))

    def _pools(self, arena: Arena) -> None:
        """Many transactions at once over few connections to the database, and over more."""
        few, many = _POOLS
        with (
            contestants.pooled(self._stack, size=few) as first,
            contestants.pooled(self._stack, size=many) as second,
        ):
            self._say(
                arena.duel(
                    first.transaction,
                    second.transaction,
                    connections=_CROWD,
                    rounds=self._wanted.rounds,
                )
            )

    def _say(self, duel: Duel) -> None:
        self.duels.append(duel)
        _tell(report.line_of(duel))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
