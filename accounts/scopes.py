"""SMART on FHIR scopes, version 2: ``system/<type>.<c|r|u|d|s letters>`` (SMART App Launch 2.2)."""

import re

from django.db.models import TextChoices

_SCOPE = re.compile(r"system/(\*|[A-Z][A-Za-z]{1,63})\.(c?r?u?d?s?)\Z")

# What a referring system does on an ordinary day. Exports and the audit are granted to those who need them.
DEFAULT = (
    "system/Patient.crus system/ServiceRequest.crus system/Task.crus system/Provenance.rs"
    " system/HealthcareService.rs system/Location.rs system/Organization.rs"
    " system/Subscription.cruds"
)


class Interaction(TextChoices):
    """The letter that a scope must hold for an interaction."""

    CREATE = "c"
    READ = "r"
    UPDATE = "u"
    DELETE = "d"
    SEARCH = "s"


def is_well_formed(scope: str) -> bool:
    """Whether one scope is a system scope with at least one letter, in the order c r u d s."""
    match = _SCOPE.match(scope)
    return bool(match and match[2])


def is_granted(granted: frozenset[str], *, resource_type: str, interaction: str) -> bool:
    """Whether any granted scope covers the interaction on the type."""
    for scope in granted:
        match = _SCOPE.match(scope)
        if match and match[1] in {"*", resource_type} and interaction in match[2]:
            return True
    return False


def grantable(requested: list[str], *, registered: frozenset[str]) -> list[str]:
    """The requested scopes narrowed to the letters that are registered, in the order asked."""
    narrowed = (_narrowed(scope, registered) for scope in requested)
    return list(dict.fromkeys(scope for scope in narrowed if is_well_formed(scope)))


def _narrowed(scope: str, registered: frozenset[str]) -> str:
    match = _SCOPE.match(scope)
    if not match:
        return ""
    letters = (
        letter
        for letter in match[2]
        if is_granted(registered, resource_type=match[1], interaction=letter)
    )
    return f"system/{match[1]}.{''.join(letters)}"
