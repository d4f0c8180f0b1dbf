"""NHS numbers and ODS codes among a resource's identifiers."""

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from nhs_number.validate import is_valid

from integrations.fhir import fields
from integrations.fhir.outcome import Refused, unprocessable
from integrations.fhir.systems import NHS_NUMBER, ODS_ORGANIZATION_CODE, normalise

# re's \d would take the digits of other scripts too.
_TEN_DIGITS = re.compile(r"[0-9]{10}")


def nhs_number_of(identifiers: Iterable[tuple[str, dict[str, Any]]]) -> str:
    """The one NHS number among identifiers (each with its FHIRPath), or an empty string.

    Refused when a number is wrongly written, or when there are two: guessing could
    put one person's referral on another's record. Numbers of test data count as absent.
    """
    numbers: dict[str, str] = {}
    faults = []
    for at, identifier in identifiers:
        if not _is_current(identifier, NHS_NUMBER):
            continue
        # Not fields.text: a number with a space around it is to be refused too.
        value = identifier["value"]
        if _is_nhs_number(value):
            numbers.setdefault(value, at)
        elif not is_test_number(value):
            text = "An NHS number is ten digits without spaces, and its check digit must be right."
            faults.append(unprocessable("value", text, f"{at}.value"))
    if len(numbers) > 1:
        text = "Two different NHS numbers are given. Send the current one only."
        faults.append(unprocessable("business-rule", text, list(numbers.values())[1]))
    if faults:
        raise Refused(422, faults)
    return next(iter(numbers), "")


def is_test_number(value: str) -> bool:
    """Whether ten digits with a wrong check digit are let pass, as published test data has them."""
    return (
        settings.TOLERATE_WRONG_CHECK_DIGITS
        and bool(_TEN_DIGITS.fullmatch(value))
        and not is_valid(value)
    )


def _is_nhs_number(value: str) -> bool:
    return bool(_TEN_DIGITS.fullmatch(value)) and bool(is_valid(value))


def ods_code_of(identifiers: Iterable[dict[str, Any]]) -> str:
    """The first ODS organisation code, or an empty string."""
    found = (i for i in identifiers if _is_current(i, ODS_ORGANIZATION_CODE))
    return next((fields.text(identifier, "value") for identifier in found), "")


def _is_current(identifier: dict[str, Any], system: str) -> bool:
    return (
        normalise(fields.text(identifier, "system")) == system
        and bool(fields.text(identifier, "value"))
        and fields.text(identifier, "use") != "old"
    )
