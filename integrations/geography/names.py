"""Names that ODS writes in capitals, in the case that people read."""

import re

_WORD = re.compile(r"[A-Z]+(?:'[A-Z]+)?")
_SMALL = {"AND", "AT", "BY", "FOR", "IN", "LE", "OF", "ON", "THE", "TO", "UNDER", "WITH"}
_ABBREVIATED = {
    *("CCG", "CIC", "GMS", "GP", "HC", "ICB", "LLP", "NHS", "PCN", "PCT", "PMS", "UEA", "UK")
}
_SHORTENED = {
    *("BLVD", "CNTR", "CTR", "DR", "DRS", "GRP", "GT", "LTD", "MR", "MRS", "MS", "ND", "NG"),
    *("PTNR", "PTNRS", "RD", "SQ", "ST", "TH"),
}
_VOWELS = set("AEIOUY")


def reading_case(name: str) -> str:
    """A name in capitals with capitals only where they belong, by rule: a few initials may come out wrong.

    A name that is not all capitals stays as it is.
    """
    trimmed = " ".join(name.split())
    return trimmed if trimmed != trimmed.upper() else _WORD.sub(_cased, trimmed)


def _cased(found: re.Match[str]) -> str:
    word, before = found[0], found.string[: found.start()]
    if word in _SMALL and before:
        return word.lower()
    if word in _ABBREVIATED or (not set(word) & _VOWELS and word not in _SHORTENED):
        return word
    beginning, apostrophe, end = word.partition("'")
    is_of_a_name = apostrophe and len(beginning) == 1 and len(end) > 1
    return beginning.capitalize() + apostrophe + (end.capitalize() if is_of_a_name else end.lower())
