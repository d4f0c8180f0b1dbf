"""If-None-Exist: the one form of condition on which a resource is created, read as the identifier that it names."""

import re
from urllib.parse import parse_qsl

from integrations.fhir.identifiers import nhs_number_of
from integrations.fhir.outcome import Refused
from integrations.fhir.systems import NHS_NUMBER, normalise
from referrals.intake import Identifier

# A search token: in it FHIR writes a comma, a bar and a backslash that stand for themselves behind a backslash.
_TOKEN = re.compile(r"(?P<system>(?:[^\\|,]|\\.)++)\|(?P<value>(?:[^\\|,]|\\.)++)")


class ConditionNotServed(Exception):
    """A condition that cannot be searched for; the text says which one can."""


def read(condition: str, *, resource_type: str) -> Identifier:
    """The identifier that the new resource must be the first to bear. Raises ConditionNotServed."""
    example = NHS_NUMBER if resource_type == "Patient" else "https://system.example/referral"
    wanted = f"A {resource_type} can be created on one condition: identifier={example}|value."
    parameters = parse_qsl(condition, keep_blank_values=True)
    if len(parameters) != 1 or parameters[0][0] != "identifier":
        raise ConditionNotServed(wanted)
    token = _TOKEN.fullmatch(parameters[0][1])
    # PostgreSQL takes no NUL.
    if not token or not parameters[0][1].isprintable():
        raise ConditionNotServed(f"{wanted} Both system and value are needed.")
    system, value = (re.sub(r"\\(.)", r"\1", part).strip() for part in token.groups())
    if not system or not value:
        raise ConditionNotServed(f"{wanted} Both system and value are needed.")
    identifier = Identifier(system=normalise(system), value=value)
    if resource_type == "Patient":
        _check_nhs_number(identifier, wanted)
    elif identifier.system == NHS_NUMBER:
        raise ConditionNotServed(f"{wanted} The patient's NHS number does not identify a referral.")
    return identifier


def _check_nhs_number(identifier: Identifier, wanted: str) -> None:
    sent = {"system": identifier.system, "value": identifier.value}
    try:
        number = nhs_number_of([("", sent)])
    except Refused as refusal:
        raise ConditionNotServed(f"{wanted} {refusal}") from None
    if not number:
        raise ConditionNotServed(wanted)
