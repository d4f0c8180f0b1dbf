"""One referral sent many times at the same moment to four processes: how many referrals come of it.

``python -m scripts.same_create`` starts the product on SQLite and, where it answers, on PostgreSQL, and sends each
referral from fifty sides at once: known by its own identifier, by Idempotency-Key, or by If-None-Exist.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from threading import Barrier
from typing import Any
from uuid import uuid4

from config.fictional import people, referral_of
from scripts.journey import PRACTICE, SCOPE
from scripts.outsiders import Answer, ClinicalSystem
from scripts.services import POSTGRES
from scripts.signing import new_key, public_keys
from scripts.stack import Stack

ROUNDS = 50
SIDES = 50
WAYS = ("identifier", "Idempotency-Key", "If-None-Exist")
PROCESSES = "4"
_BUSY = {429, 503}  # with Retry-After: the sender comes again
_MOST_TRIES = 20
_COUNT = (
    "from privacy.tenancy import EVERYBODY, reaching\nfrom referrals.models import Referral\n"
    "with reaching(EVERYBODY): print(Referral.objects.count())"
)


@dataclass
class Result:
    """What came of the rounds of one way: how often each status, and how many referrals each round is answered with."""

    way: str
    rounds: int
    statuses: Counter[int] = field(default_factory=Counter)
    referrals: list[int] = field(default_factory=list)
    rows: int = 0

    @property
    def line(self) -> str:
        """The figure."""
        answers = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        return f"{self.way}: {self.rounds} rounds × {SIDES}: {self.rows} referrals, answers {{{answers}}}"


def race(*, database: str, rounds: int) -> Iterator[Result]:
    """Start the product on this database ("" for SQLite) and race every way."""
    with Stack(database=database, settings={"WEB_CONCURRENCY": PROCESSES}) as stack:
        system = _registered(stack)
        before = 0
        for way in WAYS:
            result = Result(way, rounds)
            for person in islice(people(seed=WAYS.index(way)), rounds):
                resource = referral_of(person, base_url=stack.base_url, identifier=uuid4().hex)
                _race_once(system, resource, result)
            total = int(stack.manage("shell", "-v", "0", "-c", _COUNT))
            result.rows, before = total - before, total
            yield result


def _registered(stack: Stack) -> ClinicalSystem:
    key = new_key()
    file = stack.folder / "jwks.json"
    file.write_text(json.dumps(public_keys(key)), encoding="utf-8")
    printed = stack.manage("register_client", "Race", "--ods", PRACTICE, "--jwks-file", str(file))
    client_id = json.loads(printed)["client_id"]
    return ClinicalSystem(stack.base_url, client_id=client_id, key=key, scope=SCOPE)


def _race_once(system: ClinicalSystem, resource: dict[str, Any], result: Result) -> None:
    system.sign_in()  # a token lives for five minutes
    headers = {}
    if result.way != "identifier":
        del resource["identifier"]
        condition = f"identifier=https://gp.example/race|{uuid4()}"
        headers[result.way] = condition if result.way == "If-None-Exist" else str(uuid4())
    together = Barrier(SIDES)
    send = partial(_send, system, resource, headers, together, result.statuses)
    with ThreadPoolExecutor(SIDES) as sides:
        answers = list(sides.map(lambda _: send(), range(SIDES)))
    ids = {answer.headers["Location"].split("/ServiceRequest/")[1][:36] for answer in answers}
    result.referrals.append(len(ids))


def _send(
    system: ClinicalSystem,
    resource: dict[str, Any],
    headers: dict[str, str],
    together: Barrier,
    statuses: Counter[int],
) -> Answer:
    together.wait()
    for _ in range(_MOST_TRIES):
        answer = system.post("ServiceRequest", resource, headers)
        statuses[answer.status] += 1
        if answer.status not in _BUSY:
            return answer
        time.sleep(float(answer.headers["Retry-After"]))
    return answer


def main() -> None:
    """Race on every database that is there, and print the figures."""
    databases = {"SQLite": ""} | ({"PostgreSQL": POSTGRES.address} if POSTGRES.answers() else {})
    for name, database in databases.items():
        for result in race(database=database, rounds=ROUNDS):
            sys.stdout.write(f"{name}, {PROCESSES} processes, {result.line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
