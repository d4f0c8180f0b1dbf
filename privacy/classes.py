"""Privacy classes of model fields: every model lists each of its fields in a ``PRIVACY`` map."""

from enum import StrEnum


class Privacy(StrEnum):
    """How near a field is to a person; logs, exports, erasure and demonstration data obey it."""

    IDENTIFIES = "identifies"  # says who somebody is: encrypted in the row
    SENSITIVE = "sensitive"  # about a person's health or doings
    PSEUDONYM = "pseudonym"  # points to a person only with a key that we hold
    OPEN = "open"  # about no patient
