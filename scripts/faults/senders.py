"""Clinical systems that do not give up: each referral is sent again until the service says that it has it."""

import json
import random
import re
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from config.fictional import people, referral_of
from scripts.outsiders import Answer, ClinicalSystem
from scripts.signing import new_key, public_keys
from scripts.stack import Stack

PRACTICES = ("F84003", "F84004", "F84006", "F84008")
_SCOPE = "system/ServiceRequest.crs system/Patient.cu"
_TOKEN_SECONDS = 200.0  # of 300
_PATIENCE_SECONDS = 180.0
_ID = re.compile(r"ServiceRequest/([0-9a-f-]{36})")
_COME_AGAIN = {425, 429}


@dataclass(frozen=True)
class Sent:
    """One referral: its sender's identifier, what each try was answered, the id it was acknowledged with and when."""

    identifier: str
    tries: tuple[str, ...]
    referral_id: str = ""
    at: float = field(default_factory=time.monotonic)

    @property
    def is_known_at_first(self) -> bool:
        """Told at the very first try that it exists already, which cannot be."""
        return self.tries[0] == "409"


@dataclass
class Progress:
    """How far the senders have come, for those who light the fire."""

    total: int
    sent: list[Sent] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def wait_for(self, share: float) -> bool:
        """Return when this share has been answered for; False when the sending ended before."""
        while len(self.sent) < share * self.total:
            if self.is_over.wait(0.05):
                return False
        return True


class Sender:
    """One clinical system with its own key, patient and stubborn, used by one thread."""

    def __init__(self, stack: Stack, *, client_id: str, key: Any) -> None:
        self._system = ClinicalSystem(stack.base_url, client_id=client_id, key=key, scope=_SCOPE)
        self._signed_in_at = float("-inf")

    def send(self, identifier: str, resource: dict[str, Any]) -> Sent:
        """Send until it is taken or refused, or until patience ends."""
        tries: list[str] = []
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = self._try(resource, tries)
            if answer and answer.status in {200, 201, 409}:
                return Sent(identifier, tuple(tries), _id_in(answer))
            if answer and 400 <= answer.status < 500 and answer.status not in _COME_AGAIN:
                tries.append(answer.text[:300])
                break
            time.sleep(_pause(answer))
        return Sent(identifier, tuple(tries))

    def _try(self, resource: dict[str, Any], tries: list[str]) -> Answer | None:
        try:
            if time.monotonic() - self._signed_in_at > _TOKEN_SECONDS:
                answer = self._system.sign_in()
                if answer.status != 200:
                    tries.append(f"token {answer.status}")
                    return None
                self._signed_in_at = time.monotonic()
            answer = self._system.post("ServiceRequest", resource)
        except (OSError, HTTPException) as error:
            tries.append(type(error).__name__)
            return None
        tries.append(str(answer.status))
        return answer


def _id_in(answer: Answer) -> str:
    if answer.status == 409:
        found = _ID.search(answer.headers.get("Location", "") + answer.text)
        return found[1] if found else ""
    return str(json.loads(answer.text)["id"])


def _pause(answer: Answer | None) -> float:
    """Shorter than a good sender would wait, which is harder on the service; but a limit is a limit."""
    if answer and answer.status == 429:
        return float(answer.headers.get("Retry-After", "1"))
    return random.uniform(0.1, 1.0)  # noqa: S311  (not a secret)


def register(stack: Stack, *, practices: Sequence[str], each: int) -> list[Sender]:
    """A clinical system for each practice, and ``each`` threads' worth of senders that speak for it."""
    senders = []
    for ods_code in practices:
        key = new_key()
        file = stack.folder / f"jwks-{ods_code}.json"
        file.write_text(json.dumps(public_keys(key)), encoding="utf-8")
        name = f"Under fire {ods_code}"
        printed = stack.manage("register_client", name, "--ods", ods_code, "--jwks-file", str(file))
        client_id = json.loads(printed)["client_id"]
        senders += [Sender(stack, client_id=client_id, key=key) for _ in range(each)]
    return senders


def send_all(stack: Stack, senders: Sequence[Sender], progress: Progress, *, pace: float) -> None:
    """Send ``progress.total`` referrals, ``pace`` a second at most, from all the senders at once."""
    work = _work(stack, progress.total)
    turn = threading.Lock()
    began = time.monotonic()

    def take() -> tuple[int, str, dict[str, Any]] | None:
        with turn:
            return None if progress.is_over.is_set() else next(work, None)

    def go_on_sending(sender: Sender) -> None:
        while item := take():
            number, identifier, resource = item
            time.sleep(max(0.0, began + number / pace - time.monotonic()))
            progress.sent.append(sender.send(identifier, resource))

    with ThreadPoolExecutor(len(senders)) as threads:
        try:
            for done in [threads.submit(go_on_sending, sender) for sender in senders]:
                done.result()
        finally:
            progress.is_over.set()  # also when it is broken off: nobody takes another


def _work(stack: Stack, total: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
    crowd = people(seed=5)
    for number in range(total):
        identifier = f"under-fire-{number}"
        person = next(crowd)
        yield (
            number,
            identifier,
            referral_of(person, base_url=stack.base_url, identifier=identifier),
        )
