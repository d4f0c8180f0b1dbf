"""What real senders are known to write otherwise than R4, UK Core or SDOHCC say, and is understood all the same.

Reading always understands it. Here it is named: a warning for most clients, an error for a strict one.
"""

from collections.abc import Iterator

from integrations.fhir import fields
from integrations.fhir.identifiers import is_test_number
from integrations.fhir.outcome import Finding, tolerated, unprocessable
from integrations.fhir.structure import Node
from integrations.fhir.systems import NHS_NUMBER, TASK_CODE, is_known_spelling, normalise

# A Task that fulfils a referral is not sent in these statuses, which are other words for "requested" there.
NORMALISED_STATUSES = {"received": "requested", "ready": "requested"}

_Deviation = tuple[str, str, str]


def check(node: Node, *, is_strict: bool) -> Iterator[Finding]:
    """The known deviations of one object."""
    say = unprocessable if is_strict else tolerated
    if node.type_name in ("Identifier", "Coding"):
        found = _of_systems(node)
    elif node.type_name == "Task" and is_fulfilment(node.value):
        found = _of_fulfilment(node)
    else:
        return
    for code, text, at in found:
        yield say(code, text, at)


def is_fulfilment(task: dict[str, object]) -> bool:
    """Whether a Task asks that a referral be fulfilled."""
    codings = fields.children(fields.child(task, "code"), "coding")
    return any(
        fields.text(coding, "system") == TASK_CODE and fields.text(coding, "code") == "fulfill"
        for coding in codings
    )


def _of_systems(node: Node) -> Iterator[_Deviation]:
    system = fields.text(node.value, "system")
    if not is_known_spelling(system):
        text = (
            "This system is written in another way than it is published: with https, the host"
            " fhir.nhs.uk, /Id/ for identifiers and /CodeSystem/ for codes."
        )
        yield "value", text, f"{node.at}.system"
    if node.type_name == "Identifier" and normalise(system) == NHS_NUMBER:
        value = node.value.get("value")
        if isinstance(value, str) and is_test_number(value):
            text = "The check digit of this NHS number is wrong. Nobody is looked up by it."
            yield "value", text, f"{node.at}.value"


def _of_fulfilment(node: Node) -> Iterator[_Deviation]:
    if fields.text(node.value, "status") in NORMALISED_STATUSES:
        text = "A Task that fulfils a referral is sent as requested or draft; this is read as requested."
        yield "value", text, f"{node.at}.status"
    for name in ("authoredOn", "requester"):
        if name not in node.value and f"_{name}" not in node.value:
            text = f"A Task that fulfils a referral says its {name}."
            yield "required", text, f"{node.at}.{name}"
    reason = fields.child(node.value, "statusReason")
    if reason and not fields.text(reason, "text"):
        yield "required", "A statusReason says in words what it means.", f"{node.at}.statusReason"
