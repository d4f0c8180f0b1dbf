"""What a requester may do now, with a referral or with what the practice was asked, and how: as Parameters."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from accounts.actors import ActorKind
from integrations.fhir.systems import own
from integrations.fhir.task import BUSINESS_STATUSES
from referrals.lifecycle import CORRECT, BusinessStatus, Move, TaskStatus, moves_open_to
from referrals.reading import Asked, Seen

Parameter = dict[str, Any]


def of_referral(seen: Seen, *, focus: str, changeable: Collection[str], base_url: str) -> Parameter:
    """The moves that are open where the practice was told that the referral stands.

    ``focus`` is the type that was asked about, ``changeable`` are those that can be updated here.
    """
    told = BusinessStatus(seen.change.business_status)
    actions = [
        _action(
            move.name,
            [
                {"name": "request-status", "valueCode": move.request_status},
                {"name": "task-status", "valueCode": move.task_status},
                {"name": "business-status", "valueCoding": _business_status(move, base_url)},
                {"name": "takes-reason", "valueBoolean": move.takes_reason},
            ],
            _ways(move, seen.referral.pk, changeable),
        )
        for move in moves_open_to(told, ActorKind.CLIENT)
    ]
    return _answer(f"{focus}/{seen.referral.pk}/_history/{seen.change.version}", actions)


def of_practice_task(asked: Asked, *, changeable: Collection[str]) -> Parameter:
    """That what the practice was asked can be answered as done, once."""
    name = f"Task/{asked.task.pk}"
    done = TaskStatus.COMPLETED
    outcome = [{"name": "task-status", "valueCode": done}]
    ways = [_way(name, done)] if "Task" in changeable else []
    actions = [] if asked.task.done_at else [_action("complete", outcome, ways)]
    return _answer(f"{name}/_history/{asked.version}", actions)


def _answer(focus: str, actions: list[Parameter]) -> Parameter:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "focus", "valueReference": {"reference": focus}}, *actions],
    }


def _action(name: str, outcome: list[Parameter], ways: Iterable[Parameter]) -> Parameter:
    return {
        "name": "action",
        "part": [{"name": "name", "valueCode": name}, *outcome, *ways],
    }


def _ways(move: Move, referral_id: UUID, changeable: Collection[str]) -> list[Parameter]:
    ways = {"ServiceRequest": move.request_status.value, "Task": move.task_status.value}
    if move.name == CORRECT:
        del ways["Task"]  # what is to be corrected stands in the ServiceRequest
    return [
        _way(f"{kind}/{referral_id}", status) for kind, status in ways.items() if kind in changeable
    ]


def _way(resource: str, status: str) -> Parameter:
    """By an update or a patch of this resource, in which its status is this."""
    return {
        "name": "by-update",
        "part": [
            {"name": "resource", "valueReference": {"reference": resource}},
            {"name": "status", "valueCode": status},
        ],
    }


def _business_status(move: Move, base_url: str) -> dict[str, str]:
    return {
        "system": own(base_url, "business-status"),
        "code": move.business_status,
        "display": BUSINESS_STATUSES[move.business_status],
    }
