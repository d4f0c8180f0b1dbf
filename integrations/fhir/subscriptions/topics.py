"""What can be subscribed to: two topics, the parameters that narrow them, and whether a change is among what is wanted."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

from integrations.fhir.outcome import Finding, malformed, unprocessable
from integrations.fhir.systems import fhir_base, own
from referrals.lifecycle import BusinessStatus, RequestStatus, TaskStatus
from referrals.models import StatusChange

_TASK_STATUS = "http://hl7.org/fhir/task-status"
_REQUEST_STATUS = "http://hl7.org/fhir/request-status"


@dataclass(frozen=True)
class Code:
    """A parameter whose values are codes of one system: one of ours by its name, or an absolute address."""

    value: Callable[[StatusChange], str]
    system: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Reference:
    """A parameter whose values are references to resources of one type."""

    value: Callable[[StatusChange], str]
    resource_type: str


@dataclass(frozen=True)
class Topic:
    """What is told of: each version of a referral's Task or ServiceRequest that the practice may see."""

    name: str
    focus_type: str
    parameters: dict[str, Code | Reference]

    def canonical(self, base_url: str) -> str:
        """The address by which a subscription names it."""
        return f"{fhir_base(base_url)}/SubscriptionTopic/{self.name}"


@dataclass(frozen=True)
class Filter:
    """One parameter with the values of which one is wanted."""

    name: str
    values: tuple[str, ...]


_PATIENT = Reference(lambda change: str(change.referral.patient_id), "Patient")
TOPICS = (
    Topic(
        "task-changed",
        "Task",
        {
            "status": Code(
                lambda change: change.task_status, _TASK_STATUS, tuple(TaskStatus.values)
            ),
            "business-status": Code(
                lambda change: change.business_status,
                "business-status",
                tuple(BusinessStatus.values),
            ),
            "patient": _PATIENT,
            "focus": Reference(lambda change: str(change.referral_id), "ServiceRequest"),
        },
    ),
    Topic(
        "service-request-changed",
        "ServiceRequest",
        {
            "status": Code(
                lambda change: change.status, _REQUEST_STATUS, tuple(RequestStatus.values)
            ),
            "patient": _PATIENT,
        },
    ),
)
_BY_NAME = {topic.name: topic for topic in TOPICS}


def topic_named(name: str) -> Topic:
    """The topic that a row names."""
    return _BY_NAME[name]


def topic_at(canonical: str, *, base_url: str) -> Topic | None:
    """The topic at this address, or None."""
    return next((topic for topic in TOPICS if topic.canonical(base_url) == canonical), None)


def is_wanted(change: StatusChange, topic: Topic, filters: Iterable[Filter]) -> bool:
    """Whether a change meets every filter."""
    return all(topic.parameters[one.name].value(change) in one.values for one in filters)


def read_filter(
    criteria: str, topic: Topic, *, base_url: str, at: str
) -> Iterator[Filter | Finding]:
    """The filters in a text like ``Task?status=rejected,failed``, or what is wrong with it; ``at`` is its FHIRPath."""
    focus_type, _, query = criteria.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    if focus_type != topic.focus_type or not pairs:
        example = f"{topic.focus_type}?status=…"
        yield malformed("value", f"A filter of this topic is written like {example}.", at)
        return
    for name, text in pairs:
        parameter = topic.parameters.get(name)
        if parameter is None:
            known = ", ".join(topic.parameters)
            yield unprocessable("not-supported", f"This topic is filtered by: {known}.", at)
        elif isinstance(parameter, Code):
            yield _codes(name, text, parameter, base_url=base_url, at=at)
        else:
            yield _references(name, text, parameter, base_url=base_url)


def _codes(name: str, text: str, parameter: Code, *, base_url: str, at: str) -> Filter | Finding:
    is_ours = "/" not in parameter.system
    system = own(base_url, parameter.system) if is_ours else parameter.system
    values = tuple(value.removeprefix(f"{system}|") for value in text.split(","))
    if set(values) <= set(parameter.codes):
        return Filter(name, values)
    sentence = f"Use codes that {name} can have here: {', '.join(parameter.codes)}."
    return unprocessable("code-invalid", sentence, at)


def _references(name: str, text: str, parameter: Reference, *, base_url: str) -> Filter:
    """What is no reference, or leads to nothing of the asker's, is as good as any: it is never met."""
    references = (value.removeprefix(f"{fhir_base(base_url)}/") for value in text.split(","))
    return Filter(
        name,
        tuple(value.removeprefix(f"{parameter.resource_type}/").lower() for value in references),
    )
