"""What an update of a Task would change: what this service alone can say is refused, never dropped in silence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.fhir import deviations, fields, task_request, wire
from integrations.fhir.outcome import Finding, unprocessable
from integrations.fhir.systems import TASK_CODE, fhir_base
from referrals.documents import is_same_content

_ABOUT = ("focus", "for")
_STATE = ("status", "statusReason", "businessStatus", "lastModified")
_OF_EVERY_VERSION = ("id", "meta", "lastModified")
_OURS = "This is for the service to say. Leave it out, or send it as it was read."

Resource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A Task that is ``sent`` beside what is ``shown`` of it now and, where its sender wrote it, what was ``written``.

    ``is_patched``: it was made from what is shown, so what it lacks was taken away.
    """

    sent: Resource
    shown: Resource
    written: Resource
    base_url: str
    is_patched: bool = False

    @property
    def is_asked(self) -> bool:
        """Whether it is what the practice was asked, which holds nothing of the practice's own."""
        return not self.written and not deviations.is_fulfilment(dict(self.shown))

    def is_unchanged(self) -> bool:
        """Whether there is nothing to do."""
        moved = task_request.status_of(dict(self.sent)) != self.shown["status"]
        if moved or not self._has("statusReason") or any(self.faults()):
            return False
        return any(
            is_same_content(_without_state(self.sent), _without_state(known))
            for known in filter(None, (self.shown, self.written))
        )

    def faults(self) -> Iterator[Finding]:
        """What it says otherwise than this service does, each with its element."""
        names = {*self.sent, *self.shown} if self.is_asked else {*_ABOUT, *self._state()}
        left_alone = {*_OF_EVERY_VERSION, *(("status",) if self.is_asked else ())}
        for name in sorted(names - left_alone):
            if not self._has(name):
                yield unprocessable("business-rule", _OURS, f"Task.{name.removeprefix('_')}")
        if not self.is_asked:
            yield from self._purpose_faults()

    def _state(self) -> tuple[str, ...]:
        """The business status counts where nothing else moves: whoever takes a referral back may have read it long ago."""
        moved = task_request.status_of(dict(self.sent)) != self.shown["status"]
        return () if moved else ("businessStatus",)

    def _purpose_faults(self) -> Iterator[Finding]:
        if not deviations.is_fulfilment(dict(self.sent)):
            text = f"This Task stays one that fulfils a referral: {TASK_CODE}|fulfill."
            yield unprocessable("business-rule", text, "Task.code")
        if self.sent.get("intent") != "order":
            text = "The intent of a Task that fulfils a referral must be order."
            yield unprocessable("business-rule", text, "Task.intent")
        if not self._has("statusReason") and not task_request.reason_of(dict(self.sent)):
            text = (
                "Of a statusReason its text is kept, or the display of a coding. Send one of them."
            )
            yield unprocessable("business-rule", text, "Task.statusReason")

    def _has(self, name: str) -> bool:
        """Whether an element is as it is shown, or as its sender wrote it, or was not sent at all."""
        value, shown = self.sent.get(name), self.shown.get(name)
        if value == shown or (value is None and not self.is_patched):
            return True
        if name not in _ABOUT or not isinstance(value, dict):
            return False
        named = fields.text(value, "reference").removeprefix(f"{fhir_base(self.base_url)}/")
        return value == self.written.get(name) or value | {"reference": named} == shown


def _without_state(task: Resource) -> str:
    kept = {n: v for n, v in task.items() if n not in (*_STATE, *_ABOUT)}
    return wire.dump(kept).decode()
