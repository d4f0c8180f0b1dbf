"""The fire: a product on servers of its own, senders that do not give up, and everything that goes wrong meanwhile."""

import itertools
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from scripts.faults.book import carried
from scripts.faults.evidence import Count, count, end_leases, unfinished
from scripts.faults.senders import PRACTICES, Progress, Sent, register, send_all
from scripts.processes import CommandFailed, Processes
from scripts.servers import PostgresCluster, RedisServer
from scripts.stack import Stack

LONGEST_SETTLING_SECONDS = 120.0
_KILLS_A_WEB_PROCESS = 4  # with every fourth worker
_CARRIER = "scripts.faults.carrier.CountingCarrier"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is sent, how fast, and what happens to it. ``kill_every`` and ``broker_away`` are seconds.

    ``cuts_leases``: afterwards the leases of the workers that were lost end at once, which saves a minute of waiting.
    Those of the living end too, and that is only harder: two may then be at the same job.
    """

    referrals: int
    pace: float
    kill_every: float
    restarts: int
    broker_away: float
    practices: int = len(PRACTICES)
    senders_each: int = 3
    cuts_leases: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it."""

    sent: list[Sent]
    kills: int
    web_kills: int
    restarts: int
    wipes: int
    longest_restart: float
    fire_seconds: float
    settling_seconds: float
    reconciled: str
    verified: str
    count: Count

    @property
    def faults(self) -> list[str]:
        """Everything that should not have been; [] when the promise was kept."""
        found = list(self.count.faults)
        if self.settling_seconds > LONGEST_SETTLING_SECONDS:
            found.append(f"It took {self.settling_seconds:.0f} seconds to settle.")
        return found + [
            said for said in (self.reconciled, self.verified) if said.startswith("FAILED")
        ]

    @property
    def table(self) -> str:
        """The figures, a line each."""
        tries = Counter(word for one in self.sent for word in one.tries)
        again = sum(len(one.tries) > 1 for one in self.sent)
        moments = sorted(one.at for one in self.sent)
        pause = max(after - before for before, after in itertools.pairwise(moments))
        lines = {
            "referrals sent": len(self.sent),
            "acknowledged": sum(bool(one.referral_id) for one in self.sent),
            "sent more than once": again,
            "answers": ", ".join(f"{word}: {number}" for word, number in tries.most_common(8)),
            "workers killed": self.kills,
            "web processes killed": self.web_kills,
            "PostgreSQL restarted at once": self.restarts,
            "broker stopped and wiped": self.wipes,
            "longest restart, seconds": f"{self.longest_restart:.1f}",
            "longest time without a new one": f"{pause:.1f} seconds",
            "seconds under fire": f"{self.fire_seconds:.0f}",
            "seconds to settle": f"{self.settling_seconds:.0f}",
            "lost": self.count.lost,
            "duplicates": self.count.duplicates,
            "messages sent twice": self.count.sent_twice,
            "repeats that the carrier dropped": self.count.repeats_dropped,
            "reconcile": self.reconciled,
            "verify_audit": self.verified,
        }
        return "\n".join(f"{name:34} {value}" for name, value in lines.items())


class Fire:
    """One run of a plan. Everything is made for it and gone after it; the logs are kept when it is broken off."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._progress = Progress(plan.referrals)
        self._is_out = threading.Event()
        self._kills = self._web_kills = self._restarts = self._wipes = 0
        self._longest_restart = 0.0

    def burn(self) -> Outcome:
        """Start, send, hurt, wait until it is quiet, compare."""
        with ExitStack() as all_of_it:
            self._postgres = all_of_it.enter_context(PostgresCluster())
            self._redis = all_of_it.enter_context(RedisServer())
            self._stack = all_of_it.enter_context(
                Stack(
                    database=self._postgres.address,
                    broker=self._redis.address,
                    settings={"MESSENGER": _CARRIER},
                )
            )
            self._second = self._second_machine(self._stack)
            all_of_it.callback(self._second.kill)
            self._second.start_background()
            return self._outcome()

    def _second_machine(self, stack: Stack) -> Processes:
        folder = stack.folder / "second"
        folder.mkdir()
        own = {"BEAT_SCHEDULE_FILE": str(folder / "beat-schedule")}
        return Processes(environment={**stack.environment, **own}, logs=folder)

    def _outcome(self) -> Outcome:
        plan, practices = self._plan, PRACTICES[: self._plan.practices]
        senders = register(self._stack, practices=practices, each=plan.senders_each)
        began = time.monotonic()
        with ThreadPoolExecutor(2) as threads:
            killing = threads.submit(self._kill)
            hurting_servers = threads.submit(self._hurt_servers)
            try:
                send_all(self._stack, senders, self._progress, pace=plan.pace)
                hurting_servers.result()
            finally:
                self._is_out.set()
            killing.result()
        ended = time.monotonic()
        if plan.cuts_leases:
            end_leases(self._postgres, self._database)
        self._wait_until_quiet(ended)
        reconciled = self._reconciled()
        settled = time.monotonic()
        verified = self._verified(ended)
        sent = self._progress.sent
        return Outcome(
            sent=sent,
            kills=self._kills,
            web_kills=self._web_kills,
            restarts=self._restarts,
            wipes=self._wipes,
            longest_restart=self._longest_restart,
            fire_seconds=ended - began,
            settling_seconds=settled - ended,
            reconciled=reconciled,
            verified=verified,
            count=count(self._postgres, self._database, sent, carried(self._stack.messages_folder)),
        )

    @property
    def _database(self) -> str:
        return urlsplit(self._stack.environment["DATABASE_URL"]).path.strip("/")

    def _kill(self) -> None:
        """A worker of either machine in turn, now and then a web process too, in the middle of what they are doing.

        Whoever is their parent, service manager or gunicorn, starts another at once.
        """
        for machine in itertools.cycle((self._stack.processes, self._second)):
            if self._is_out.wait(self._plan.kill_every):
                return
            if self._kills % _KILLS_A_WEB_PROCESS == 0:
                self._stack.processes.kill_a_child("web")
                self._web_kills += 1
            machine.kill("worker")
            machine.start_again("worker")
            self._kills += 1

    def _hurt_servers(self) -> None:
        """The database restarts and the broker's end, spread over the sending."""
        hurts = [self._restart_database] * self._plan.restarts
        hurts.insert(1, self._lose_broker)
        for number, hurt in enumerate(hurts, start=1):
            if not self._progress.wait_for(number / (len(hurts) + 1)):
                return
            hurt()

    def _restart_database(self) -> None:
        began = time.monotonic()
        self._postgres.restart_at_once()
        self._longest_restart = max(self._longest_restart, time.monotonic() - began)
        self._restarts += 1

    def _lose_broker(self) -> None:
        self._redis.stop_and_wipe()
        try:
            time.sleep(self._plan.broker_away)
        finally:
            self._redis.start()
        self._wipes += 1

    def _wait_until_quiet(self, since: float) -> None:
        while time.monotonic() < since + 2 * LONGEST_SETTLING_SECONDS:
            if not unfinished(self._postgres, self._database):
                return
            time.sleep(0.5)

    def _reconciled(self) -> str:
        """What ``reconcile`` says. Clean: it counts what was sent, and nothing of it is stuck."""
        try:
            account = json.loads(self._stack.manage("reconcile", "--json"))
        except CommandFailed as error:
            return f"FAILED: {error}"
        is_clean = account["accepted"] == len(self._progress.sent) and not account["stuck"]
        return ("" if is_clean else "FAILED: ") + json.dumps(account)

    def _verified(self, since: float) -> str:
        """What ``verify_audit`` says. Sealing comes behind the work, so it is asked until the time is up."""
        while True:
            try:
                lines = self._stack.manage("verify_audit").splitlines()
            except CommandFailed as error:
                if time.monotonic() > since + LONGEST_SETTLING_SECONDS:
                    return f"FAILED: {error}"
                time.sleep(2.0)
            else:
                return f"after {time.monotonic() - since:.0f} s: {'; '.join(lines)}"
