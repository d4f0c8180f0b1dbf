"""How a patient can be reached: contact details that can be used, by FHIR's use and rank."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from integrations.fhir import choosing, fields
from integrations.fhir.outcome import Finding, unprocessable

_USES = {"mobile": 0, "home": 1, "": 1, "temp": 1, "work": 2}
_PHONE = re.compile(r"(?=(?:[^0-9]*[0-9]){7})[0-9 +()\-]{7,20}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{1,64}@(?:[\w\-]+\.)+[\w\-]{2,}")
_LONGEST_EMAIL = 254


def phone_of(patient: dict[str, Any]) -> str:
    """The telephone number to send a text to, or ""."""
    return _best(patient, "phone", _is_phone) or _best(patient, "sms", _is_phone)


def email_of(patient: dict[str, Any]) -> str:
    """The e-mail address, or ""."""
    return _best(patient, "email", _is_email)


def faults(patient: dict[str, Any], *, at: str) -> Iterator[Finding]:
    """A finding when details were sent and the patient could be reached by none of them.

    Without any, the patient is sent a letter: that is no fault.
    """
    is_given = any(
        fields.text(point, "system") in ("phone", "sms", "email")
        and fields.text(point, "value")
        and fields.text(point, "use") in _USES
        for point in fields.children(patient, "telecom")
    )
    if is_given and not (phone_of(patient) or email_of(patient)):
        text = (
            "None of these can be used. Send a phone number of 7 to 20 digits, spaces, +, ( ) and -,"
            " or an e-mail address such as name@example.org, neither with an end of its period, or leave"
            " telecom out."
        )
        yield unprocessable("value", text, f"{at}.telecom")


def _best(patient: dict[str, Any], system: str, is_usable: Callable[[str], bool]) -> str:
    # One that ends may belong to somebody else by now: a letter goes astray less easily than a text.
    points = [
        point
        for point in fields.children(patient, "telecom")
        if fields.text(point, "system") == system and not fields.child(point, "period").get("end")
    ]
    best = choosing.first(points, _USES, lambda point: is_usable(fields.text(point, "value")))
    return fields.text(best, "value")


def _is_phone(value: str) -> bool:
    return bool(_PHONE.fullmatch(value))


def _is_email(value: str) -> bool:
    return len(value) <= _LONGEST_EMAIL and bool(_EMAIL.fullmatch(value))
