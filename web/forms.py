"""What patients type and tick, read leniently and checked plainly."""

from collections.abc import Mapping
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

DECLINE_REASONS = (
    ("not-now", gettext_lazy("Not now")),
    ("prefers-in-person", gettext_lazy("I would rather meet people face to face")),
    ("no-device-or-data", gettext_lazy("I do not have the phone, computer or data for it")),
    ("already-in-group", gettext_lazy("I already have people to talk to")),
    ("privacy", gettext_lazy("I worry about who sees what")),
    ("other", gettext_lazy("Another reason")),
)
LEAVE_REASONS = (
    ("not-for-me", gettext_lazy("It is not for me")),
    ("felt-worse", gettext_lazy("It made me feel worse")),
    ("found-other-help", gettext_lazy("I found other help")),
    ("no-longer-needed", gettext_lazy("I do not need it any more")),
    ("other", gettext_lazy("Another reason")),
)


class Unreadable(ValueError):
    """What was typed cannot be used; the text says what to type."""


def birth_date(form: Mapping[str, str]) -> date:
    """The date of birth from day, month and year as typed. Raises Unreadable."""
    parts = [form.get(name, "").strip() for name in ("year", "month", "day")]
    if not any(parts):
        raise Unreadable(_("Enter your date of birth"))
    if not all(part.isascii() and part.isdecimal() and len(part) <= 4 for part in parts):
        raise Unreadable(_("Enter your date of birth in numbers: day, month and year"))
    year, month, day = (int(part) for part in parts)
    if year < 1000:
        raise Unreadable(_("Enter the year of your birth with four numbers"))
    try:
        return date(year, month, day)
    except ValueError:
        raise Unreadable(_("Enter a real date, for example 31 3 1980")) from None


def reason(form: Mapping[str, str], choices: tuple[tuple[str, object], ...]) -> str:
    """The reason ticked, or "" for none; what is not on the list is none."""
    given = form.get("reason", "")
    return given if given in dict(choices) else ""
