"""How long a value may be that is kept beside the document: a longer one is refused, never cut."""

from collections.abc import Iterator

from integrations.fhir.outcome import Finding, unprocessable

IDENTIFIER = 200
DATE_TIME = 35
LANGUAGE = 20


def check(value: str, *, longest: int, at: str) -> Iterator[Finding]:
    """A finding when the value is longer than what can be kept."""
    if len(value) > longest:
        text = f"This is too long: {longest} characters at most can be kept."
        yield unprocessable("too-long", text, at)
