"""Invariants of the data types."""

from datetime import datetime
from typing import Any

from integrations.fhir import fields
from integrations.fhir.invariants.rule import (
    Json,
    Rule,
    at_least_one,
    chosen,
    exactly_one,
    has,
    needs,
    not_both,
    number,
)

_UCUM = "http://unitsofmeasure.org"
_MEALS_ALONE = {"C", "CM", "CD", "CV"}


def is_not_before(later: str, earlier: str) -> bool:
    """Whether a date or time is not before another. Where the precision leaves it open, it is taken to be right."""
    if len(later) > 10 and len(earlier) > 10:
        try:
            return datetime.fromisoformat(later) >= datetime.fromisoformat(earlier)
        except (ValueError, TypeError):
            # A leap second, or a fault of form that is said elsewhere.
            return True
    shared = min(len(later), len(earlier), 10)
    return later[:shared] >= earlier[:shared]


def _is_extension_filled(value: Json) -> bool:
    return chosen(value, "value") != has(value, "extension")


def _is_period_in_order(value: Json) -> bool:
    start, end = fields.text(value, "start"), fields.text(value, "end")
    return not (start and end) or is_not_before(end, start)


def _is_range_in_order(value: Json) -> bool:
    low, high = fields.child(value, "low"), fields.child(value, "high")
    numbers = number(low, "value"), number(high, "value")
    # Different units cannot be compared here.
    if None in numbers or fields.text(low, "code") != fields.text(high, "code"):
        return True
    return bool(numbers[0] <= numbers[1])  # type: ignore[operator]


def _is_ratio_whole(value: Json) -> bool:
    is_numerator = has(value, "numerator")
    return is_numerator == has(value, "denominator") and (is_numerator or has(value, "extension"))


def _is_ucum(value: Json) -> bool:
    return not has(value, "system") or fields.text(value, "system") == _UCUM


def _has_code_and_ucum(value: Json) -> bool:
    return (has(value, "code") or not has(value, "value")) and _is_ucum(value)


def _is_age(value: Json) -> bool:
    years = number(value, "value")
    return _has_code_and_ucum(value) and (years is None or years > 0)


def _is_count(value: Json) -> bool:
    is_one = not has(value, "code") or fields.text(value, "code") == "1"
    return _has_code_and_ucum(value) and is_one and "." not in _written(value.get("value"))


def _written(value: Any) -> str:
    return getattr(value, "text", str(value))


def _is_duration(value: Json) -> bool:
    return not has(value, "code") or (fields.text(value, "system") == _UCUM and has(value, "value"))


def _is_not_negative(name: str) -> Any:
    return lambda value: (number(value, name) or 0) >= 0


def _has_moment_for_offset(value: Json) -> bool:
    when = value.get("when")
    moments = when if isinstance(when, list) else []
    return not has(value, "offset") or bool(
        moments and not any(moment in _MEALS_ALONE for moment in moments if moment.__hash__)
    )


def _fits_trigger(value: Json) -> bool:
    kind = fields.text(value, "type")
    return (
        (kind != "named-event" or has(value, "name"))
        and (kind != "periodic" or chosen(value, "timing"))
        and (not kind.startswith("data-") or has(value, "data"))
    )


_CODED = Rule("qty-3", "system", needs("code", "system"), "A code of a unit needs its system")
_ONE_PATH = exactly_one("path", "searchParam")

RULES: dict[str, tuple[Rule, ...]] = {
    "Age": (
        _CODED,
        Rule("age-1", "", _is_age, "An age needs a positive value with a code of UCUM"),
    ),
    "Attachment": (
        Rule("att-1", "contentType", needs("data", "contentType"), "Data needs a contentType"),
    ),
    "ContactPoint": (
        Rule(
            "cpt-2",
            "system",
            needs("value", "system"),
            "A contact point with a value needs a system",
        ),
    ),
    "Count": (
        _CODED,
        Rule("cnt-3", "", _is_count, "A count is a whole number with the code 1 of UCUM"),
    ),
    "DataRequirementCodeFilter": (Rule("drq-1", "", _ONE_PATH, "Give either path or searchParam"),),
    "DataRequirementDateFilter": (Rule("drq-2", "", _ONE_PATH, "Give either path or searchParam"),),
    "Distance": (
        _CODED,
        Rule("dis-1", "", _has_code_and_ucum, "A distance needs a code of UCUM"),
    ),
    "Duration": (
        _CODED,
        Rule(
            "drt-1", "", _is_duration, "A duration with a code needs a value and the system of UCUM"
        ),
    ),
    "Expression": (
        Rule(
            "exp-1",
            "",
            at_least_one("expression", "reference"),
            "An expression or a reference to one is needed",
        ),
    ),
    "Extension": (
        Rule("ext-1", "", _is_extension_filled, "An extension has either a value or extensions"),
    ),
    "Period": (Rule("per-1", "", _is_period_in_order, "A period must not end before it starts"),),
    "Quantity": (_CODED,),
    "Range": (Rule("rng-2", "", _is_range_in_order, "The low end must not be above the high end"),),
    "Ratio": (
        Rule("rat-1", "", _is_ratio_whole, "Give both numerator and denominator, or an extension"),
    ),
    "TimingRepeat": (
        Rule(
            "tim-1", "durationUnit", needs("duration", "durationUnit"), "A duration needs its unit"
        ),
        Rule("tim-2", "periodUnit", needs("period", "periodUnit"), "A period needs its unit"),
        Rule("tim-4", "duration", _is_not_negative("duration"), "A duration is not negative"),
        Rule("tim-5", "period", _is_not_negative("period"), "A period is not negative"),
        Rule("tim-6", "period", needs("periodMax", "period"), "periodMax needs period"),
        Rule("tim-7", "duration", needs("durationMax", "duration"), "durationMax needs duration"),
        Rule("tim-8", "count", needs("countMax", "count"), "countMax needs count"),
        Rule(
            "tim-9", "when", _has_moment_for_offset, "offset needs when, other than C, CM, CD or CV"
        ),
        Rule("tim-10", "when", not_both("timeOfDay", "when"), "Give either timeOfDay or when"),
    ),
    "TriggerDefinition": (
        Rule(
            "trd-1",
            "",
            lambda value: not (has(value, "data") and chosen(value, "timing")),
            "Give either timing or data",
        ),
        Rule("trd-2", "data", needs("condition", "data"), "A condition needs data"),
        Rule("trd-3", "", _fits_trigger, "The type of trigger needs its name, timing or data"),
    ),
}
