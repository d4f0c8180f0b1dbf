"""Small filters that templates need to stay free of logic."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, RadioSelect
from django.utils.safestring import SafeString

register = template.Library()

_TICK = (CheckboxInput, RadioSelect)


@register.filter
def beside(first: Iterable[object], second: Iterable[object]) -> list[tuple[object, object]]:
    """Walk two lists together: ``{% for step, cell in steps|beside:cells %}``."""
    return list(zip(first, second, strict=True))


@register.filter
def is_tick(field: BoundField) -> bool:
    """Whether the label stands after the control."""
    return isinstance(field.field.widget, _TICK)


@register.filter
def styled(field: BoundField) -> SafeString:
    """The control of a Django form field with the classes of the design system."""
    if is_tick(field):
        css = "nhsuk-checkboxes__input"
    else:
        css = "nhsuk-input nhsuk-input--error" if field.errors else "nhsuk-input"
    # Autofocus and a label inside the box both make a form harder to use.
    attrs: dict[str, Any] = {"class": css, "autofocus": False, "placeholder": False}
    return field.as_widget(attrs=attrs)
