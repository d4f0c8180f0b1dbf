"""A community's signed webhook: Standard Webhooks around a CloudEvents batch, read into counts and nothing else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from django.utils.timezone import localdate
from standardwebhooks import Webhook, WebhookVerificationError

from engagement.contract import LONGEST_COUNT, MOST_EVENTS, ActivityKind, NewActivity

_TYPE = re.compile(r"peer\.engagement\.([a-z_]+)\.v1\Z")
_ATTRIBUTES = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
# W3C Trace Context, as many platforms add it by themselves: checked, then forgotten. It has no room for content.
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_DATA = {"count", "granularity"}


class SignatureWrong(Exception):
    """The webhook was not signed by this host, or too long ago or ahead (five minutes)."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with an event: its place in the batch, its id if it has one, and a sentence."""

    index: int
    event_id: str
    sentence: str


@dataclass(frozen=True)
class Batch:
    """A batch as read: events that are well-formed and problems with the others."""

    events: tuple[NewActivity, ...]
    problems: tuple[Problem, ...]


class BatchMalformed(Exception):
    """The body is not a CloudEvent or a batch of them."""


def verify(body: bytes, headers: Mapping[str, str], *, secrets: list[str]) -> None:
    """Check the signature over the raw bytes against each of the host's secrets. Raises SignatureWrong."""
    lower = {
        name.lower(): value
        for name, value in headers.items()
        if name.lower().startswith("webhook-")
    }
    for secret in secrets:
        try:
            Webhook(secret).verify(body, lower, json_parse=False)
        except (WebhookVerificationError, ValueError):
            continue
        return
    raise SignatureWrong


def read_batch(body: bytes) -> Batch:
    """Read one CloudEvent or a batch; what is not in the contract is named, never kept. Raises BatchMalformed."""
    try:
        content = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise BatchMalformed("The body is not JSON.") from error
    items = content if isinstance(content, list) else [content]
    if not items:
        raise BatchMalformed("The batch is empty.")
    if len(items) > MOST_EVENTS:
        raise BatchMalformed(f"A batch holds at most {MOST_EVENTS} events.")
    events: list[NewActivity] = []
    problems: list[Problem] = []
    for index, item in enumerate(items):
        try:
            events.append(_event(item))
        except ValueError as error:
            event_id = item.get("id") if isinstance(item, dict) else None
            problems.append(
                Problem(index, event_id if isinstance(event_id, str) else "", str(error))
            )
    return Batch(tuple(events), tuple(problems))


def _event(item: Any) -> NewActivity:
    if not isinstance(item, dict):
        raise ValueError("An event is a JSON object.")
    _refuse_unknown(item, _ATTRIBUTES | {"traceparent"}, "attribute")
    if "traceparent" in item and not _TRACEPARENT.fullmatch(str(item["traceparent"])):
        raise ValueError("traceparent must be as W3C Trace Context has it, or be left out.")
    if item.get("specversion") != "1.0":
        raise ValueError("specversion must be 1.0.")
    return NewActivity(
        event_id=_short_text(item, "id", 100),
        source=_short_text(item, "source", 200),
        kind=_kind(_short_text(item, "type", 100)),
        pseudonym=_short_text(item, "subject", 40),
        day=_day(_short_text(item, "time", 40)),
        count=_count(item.get("data")),
    )


def _refuse_unknown(found: dict[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(set(found) - known)
    if unknown:
        raise ValueError(
            f"Unknown {what}: {', '.join(unknown)[:100]}. Known: {', '.join(sorted(known))}."
            " Counts are taken, never content."
        )


def _short_text(item: dict[str, Any], name: str, longest: int) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest or not value.isprintable():
        raise ValueError(f"{name} must be a text of 1 to {longest} printable characters.")
    return value


def _kind(event_type: str) -> ActivityKind:
    match = _TYPE.match(event_type)
    if not match or match[1] not in ActivityKind.values:
        known = ", ".join(f"peer.engagement.{kind}.v1" for kind in ActivityKind.values)
        raise ValueError(f"Unknown type. Known: {known}.")
    return ActivityKind(match[1])


def _day(time: str) -> Any:
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        raise ValueError("time must be an RFC 3339 date and time with a zone.") from None
    if moment.tzinfo is None or not 2000 <= moment.year <= 9000:
        raise ValueError("time must be an RFC 3339 date and time with a zone.")
    # A day is all that is kept, and it is the day in London.
    return localdate(moment.astimezone(UTC))


def _count(data: Any) -> int:
    if data is None:
        return 1
    if not isinstance(data, dict):
        raise ValueError("data must be an object.")
    _refuse_unknown(data, _DATA, "data field")
    if data.get("granularity", "day") != "day":
        raise ValueError("granularity must be day.")
    count = data.get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= LONGEST_COUNT:
        raise ValueError(f"count must be a whole number from 1 to {LONGEST_COUNT}.")
    return count
