"""From a Subscription as it was received to what is kept of it; every fault at once."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.fhir import fields, wire
from integrations.fhir.outcome import Finding, Refused, malformed, unprocessable
from integrations.fhir.subscriptions.models import Content, SubscriptionStatus
from integrations.fhir.subscriptions.topics import (
    TOPICS,
    Filter,
    Topic,
    read_filter,
    topic_at,
)
from integrations.outbound.addresses import OutboundRefused, target_of

_BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
FILTER_CRITERIA = f"{_BACKPORT}backport-filter-criteria"
PAYLOAD_CONTENT = f"{_BACKPORT}backport-payload-content"
HEARTBEAT_PERIOD = f"{_BACKPORT}backport-heartbeat-period"
TIMEOUT = f"{_BACKPORT}backport-timeout"
MAX_COUNT = f"{_BACKPORT}backport-max-count"
PAYLOAD = "application/fhir+json"

HEARTBEATS = range(60, 7 * 24 * 3600 + 1)
TIMEOUTS = range(1, 31)
COUNTS = range(1, 21)
_MOST_FILTERS, _LONGEST_FILTER = 10, 2000
_MOST_HEADERS, _LONGEST_ENDPOINT = 10, 2000
_HEADER = re.compile(
    r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}): ?(?P<value>[\x20-\x7e]{1,4000})"
)
# What the request says of itself; a header of the sender's must not say otherwise.
_OUR_HEADERS = {
    "accept", "connection", "content-encoding", "content-length", "content-type", "expect",
    "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class NewSubscription:
    """A subscription as a clinical system wants it. ``headers`` are whole lines of HTTP."""

    document: str
    status: SubscriptionStatus
    topic: Topic
    filters: tuple[Filter, ...]
    endpoint: str
    headers: tuple[str, ...]
    content: Content
    heartbeat_seconds: int | None
    timeout_seconds: int
    most_events: int
    ends_at: datetime | None


@dataclass
class _Reader:
    """One resource, and what was found wrong with it."""

    resource: dict[str, Any]
    base_url: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def channel(self) -> dict[str, Any]:
        return fields.child(self.resource, "channel")

    def note(self, *findings: Finding) -> None:
        self.findings += findings


def read(resource: dict[str, Any], *, base_url: str, at: datetime) -> NewSubscription:
    """What is to be kept of a resource that is sound R4. Raises Refused (422) with every fault."""
    reader = _Reader(resource, base_url)
    topic, status, content = _topic(reader), _status(reader), _content(reader)
    _check_channel(reader)
    new = NewSubscription(
        document=wire.dump(resource).decode(),
        status=status,
        topic=topic,
        filters=tuple(_filters(reader, topic)),
        endpoint=_endpoint(reader),
        headers=tuple(_headers(reader)),
        content=content,
        heartbeat_seconds=_number(reader, HEARTBEAT_PERIOD, "valueUnsignedInt", HEARTBEATS, None),
        timeout_seconds=_number(reader, TIMEOUT, "valueUnsignedInt", TIMEOUTS, 10) or 10,
        most_events=_number(reader, MAX_COUNT, "valuePositiveInt", COUNTS, 1) or 1,
        ends_at=_end(reader, status, at=at),
    )
    if reader.findings:
        raise Refused(422, reader.findings)
    return new


def _topic(reader: _Reader) -> Topic:
    topic = topic_at(fields.text(reader.resource, "criteria"), base_url=reader.base_url)
    if topic is None:
        known = " or ".join(topic.canonical(reader.base_url) for topic in TOPICS)
        text = f"criteria must be the address of a topic that is served here: {known}."
        reader.note(unprocessable("not-supported", text, "Subscription.criteria"))
    return topic or TOPICS[0]


def _status(reader: _Reader) -> SubscriptionStatus:
    status, at = fields.text(reader.resource, "status"), "Subscription.status"
    if status in SubscriptionStatus.values and status != SubscriptionStatus.ERROR:
        return SubscriptionStatus(status)
    code = "business-rule" if status == SubscriptionStatus.ERROR else "code-invalid"
    reader.note(
        unprocessable(code, "Send requested, active or off; error is set by the server.", at)
    )
    return SubscriptionStatus.REQUESTED


def _filters(reader: _Reader, topic: Topic) -> Iterator[Filter]:
    at = "Subscription.criteria.extension"
    criteria = [
        (place, fields.text(extension, "valueString"))
        for place, extension in _extensions(reader.resource, "_criteria")
        if extension.get("url") == FILTER_CRITERIA
    ]
    if len(criteria) > _MOST_FILTERS or any(len(text) > _LONGEST_FILTER for _, text in criteria):
        text = f"Send at most {_MOST_FILTERS} filters of {_LONGEST_FILTER} characters each."
        reader.note(unprocessable("too-long", text, at))
        return
    for place, text in criteria:
        for found in read_filter(
            text, topic, base_url=reader.base_url, at=f"{at}[{place}].valueString"
        ):
            if isinstance(found, Filter):
                yield found
            else:
                reader.note(found)


def _check_channel(reader: _Reader) -> None:
    if fields.text(reader.channel, "type") != "rest-hook":
        text = "Only rest-hook is served."
        reader.note(unprocessable("not-supported", text, "Subscription.channel.type"))
    if fields.text(reader.channel, "payload") != PAYLOAD:
        text = f"payload must be {PAYLOAD}."
        reader.note(unprocessable("not-supported", text, "Subscription.channel.payload"))


def _content(reader: _Reader) -> Content:
    """How much is to be sent. Where nothing is said, the ids alone."""
    for place, extension in _extensions(reader.channel, "_payload"):
        if extension.get("url") == PAYLOAD_CONTENT:
            code = fields.text(extension, "valueCode")
            if code in Content.values:
                return Content(code)
            at = f"Subscription.channel.payload.extension[{place}].valueCode"
            text = f"This code is not in the value set. Use one of: {', '.join(Content.values)}."
            reader.note(malformed("code-invalid", text, at))
    return Content.ID_ONLY


def _endpoint(reader: _Reader) -> str:
    endpoint = fields.text(reader.channel, "endpoint")
    at = "Subscription.channel.endpoint"
    if not endpoint:
        reader.note(unprocessable("required", "rest-hook needs an endpoint.", at))
    elif len(endpoint) > _LONGEST_ENDPOINT:
        text = f"This is too long: {_LONGEST_ENDPOINT} characters at most can be kept."
        reader.note(unprocessable("too-long", text, at))
    else:
        try:
            target_of(endpoint)
        except OutboundRefused as error:
            reader.note(unprocessable("value", str(error), at))
    return endpoint


def _headers(reader: _Reader) -> Iterator[str]:
    at = "Subscription.channel.header"
    lines = reader.channel.get("header")
    headers = lines if isinstance(lines, list) else []
    if len(headers) > _MOST_HEADERS:
        text = f"Send at most {_MOST_HEADERS} headers."
        reader.note(unprocessable("too-long", text, at))
    for place, line in enumerate(headers):
        found = _HEADER.fullmatch(line) if isinstance(line, str) else None
        if found and found["name"].lower() not in _OUR_HEADERS:
            yield f"{found['name']}: {found['value'].strip()}"
        else:
            text = "A header is written Name: value, in visible ASCII; some names are the server's."
            reader.note(unprocessable("value", text, f"{at}[{place}]"))


def _number(
    reader: _Reader, url: str, value: str, bounds: range, default: int | None
) -> int | None:
    for place, extension in fields.indexed(reader.channel, "extension"):
        if extension.get("url") == url:
            number = extension.get(value)
            if isinstance(number, int) and number in bounds:
                return number
            at = f"Subscription.channel.extension[{place}].{value}"
            text = f"This must be {value} from {bounds[0]} to {bounds[-1]}."
            reader.note(unprocessable("value", text, at))
    return default


def _end(reader: _Reader, status: SubscriptionStatus, *, at: datetime) -> datetime | None:
    text = fields.text(reader.resource, "end")
    if not text:
        return None
    try:
        # An instant has a zone; one without would be taken for this machine's.
        end = datetime.fromisoformat(text if "T" in text else "").astimezone(UTC)
    except (ValueError, OverflowError):
        # R4 lets a minute have a 61st second, which Python does not know.
        reader.note(malformed("value", "This instant is not understood.", "Subscription.end"))
        return None
    if end <= at and status != SubscriptionStatus.OFF:
        reader.note(unprocessable("business-rule", "The end is over.", "Subscription.end"))
    return end


def _extensions(parent: dict[str, Any], name: str) -> Iterable[tuple[int, dict[str, Any]]]:
    return fields.indexed(fields.child(parent, name), "extension")
