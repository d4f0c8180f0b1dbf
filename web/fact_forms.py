"""The form in which a host states the facts of its community: what each control holds, and what was sent as facts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from communities.hours import NotACalendar, normal
from communities.models import Condition
from communities.selectors import areas
from web import fact_words as facts
from web.fact_words import Fact

_SPAN = re.compile(r"\s*(\S+?)\s*[-–]\s*(\S+)\s*")
_NOT_A_SPAN = "?"
_WEEKDAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"


@dataclass(frozen=True)
class Choice:
    """One of the values that can be chosen."""

    value: str
    label: str | Promise
    is_chosen: bool


@dataclass(frozen=True)
class Control:
    """A fact as the form shows it. ``days``: for each of the week a label, a name, a text and whether it is wrong."""

    fact: Fact
    text: str
    choices: list[Choice]
    days: list[tuple[str, str, str, bool]]
    error: str

    @property
    def first_id(self) -> str:
        """Where a link to this control leads."""
        if self.days:
            wrong = [field for _label, field, _text, is_wrong in self.days if is_wrong]
            return (wrong or [self.days[0][1]])[0]
        return f"{self.fact.name}-1" if self.fact.kind in _TICKED else self.fact.name


_TICKED = (facts.SOME, facts.CONDITIONS, facts.YES_NO)


def controls(
    values: dict[str, Any],
    *,
    sent: QueryDict | None,
    errors: dict[str, list[str]],
    conditions: Iterable[Condition],
) -> list[tuple[facts.Group, list[Control]]]:
    """The whole form: with what is stated, or with what was ``sent`` and is wrong somewhere."""
    labels = {condition.key: condition.label for condition in conditions}
    return [
        (group, [_control(fact, values, sent, errors, labels) for fact in group.facts])
        for group in facts.GROUPS
    ]


def read(sent: QueryDict) -> dict[str, Any]:
    """What was sent, as facts; what cannot be read as one stays a text, which is then refused as a fact."""
    return {fact.name: _READERS[fact.kind](sent, fact.name) for fact in facts.FACTS.values()}


def changed(facts: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Those of the facts that say something else than before; in which order a list stands is no matter."""
    return {
        name: value for name, value in facts.items() if _in_order(value) != _in_order(before[name])
    }


def _in_order(value: Any) -> Any:
    is_list = isinstance(value, list)
    return sorted(value, key=str) if is_list else value


def _control(
    fact: Fact,
    values: dict[str, Any],
    sent: QueryDict | None,
    errors: dict[str, list[str]],
    labels: dict[str, str],
) -> Control:
    value = values.get(fact.name)
    if sent is None:
        text, chosen = _text(fact, value), _codes(fact, value)
    else:
        text, chosen = sent.get(fact.name, ""), sent.getlist(fact.name)
    table = {"yes": _("Yes"), "no": _("No"), "": _("Not stated")}
    error = " ".join(errors.get(fact.name, []))
    days = _days(value, sent, is_wrong=bool(error)) if fact.kind == facts.HOURS else []
    if named := ", ".join(label for label, _field, _text, is_wrong in days if is_wrong):
        error = f"{named}: {error}"
    words = {facts.CONDITIONS: labels, facts.YES_NO: table}.get(fact.kind, fact.choices) or {}
    return Control(
        fact=fact,
        text=text,
        choices=[Choice(code, label, code in chosen) for code, label in words.items()]
        + [Choice(code, code, is_chosen=True) for code in chosen if words and code not in words],
        days=days,
        error=error,
    )


def _text(fact: Fact, value: Any) -> str:
    if fact.kind == facts.AREAS:
        return "\n".join(facts.area_names(value or []))
    if isinstance(value, list):
        return ", ".join(map(str, value)) if fact.kind == facts.CODES else ""
    return "" if value is None else str(value)


def _codes(fact: Fact, value: Any) -> list[str]:
    if fact.kind == facts.YES_NO:
        return [{True: "yes", False: "no"}.get(value, "")]
    if isinstance(value, list):
        return value
    return [value] if value else []


def _days(
    hours: Any, sent: QueryDict | None, *, is_wrong: bool
) -> list[tuple[str, str, str, bool]]:
    rows = []
    for day, name in enumerate(_(_WEEKDAYS).split("|"), start=1):
        field = f"hours-{day}"
        spans = [
            f"{begin}-{'24:00' if end == '00:00' else end}"
            for weekday, begin, end in hours or []
            if weekday == day
        ]
        text = ", ".join(spans) if sent is None else sent.get(field, "")
        rows.append((name, field, text, is_wrong and not _is_readable(day, text)))
    return rows


def _is_readable(day: int, text: str) -> bool:
    try:
        normal(_spans(day, text))
    except NotACalendar:
        return False
    return True


def _spans(day: int, text: str) -> list[list[object]]:
    """The times of a day as they were typed; what is no span does not become one."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [
        [day, *(found.groups() if (found := _SPAN.fullmatch(part)) else (part, _NOT_A_SPAN))]
        for part in parts
    ]


def _read_hours(sent: QueryDict, name: str) -> list[list[object]]:
    del name
    spans = [span for day in range(1, 8) for span in _spans(day, sent.get(f"hours-{day}", ""))]
    try:
        return normal(spans)
    except NotACalendar:
        return spans


def _read_text(sent: QueryDict, name: str) -> str:
    return sent.get(name, "").replace("\r\n", "\n").strip()


def _read_number(sent: QueryDict, name: str) -> int | str | None:
    text = _read_text(sent, name)
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else text or None


def _read_decimal(sent: QueryDict, name: str) -> float | str | None:
    text = _read_text(sent, name)
    return float(text) if re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{1,9})?", text) else text or None


def _read_yes_no(sent: QueryDict, name: str) -> bool | None:
    return {"yes": True, "no": False}.get(sent.get(name, ""))


def _read_codes(sent: QueryDict, name: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", sent.get(name, "")) if word]


def _read_areas(sent: QueryDict, name: str) -> list[str]:
    """Areas by their names; what is none of them stays as it is typed, and is not known."""
    typed = [line.strip() for line in sent.get(name, "").replace("\x00", "").splitlines()]
    current_last = sorted(areas(), key=lambda area: area.valid_to is None)
    known = {area.name.casefold(): area.place for area in current_last}
    return sorted(known.get(line.casefold(), line) for line in typed if line)


_READERS = {
    facts.WORDS: _read_text,
    facts.LONG: _read_text,
    facts.ONE: _read_text,
    facts.DAY: lambda sent, name: _read_text(sent, name) or None,
    facts.NUMBER: _read_number,
    facts.DECIMAL: _read_decimal,
    facts.YES_NO: _read_yes_no,
    facts.SOME: lambda sent, name: sent.getlist(name),
    facts.CONDITIONS: lambda sent, name: sorted(sent.getlist(name)),
    facts.CODES: _read_codes,
    facts.AREAS: _read_areas,
    facts.HOURS: _read_hours,
}
