"""Cursors: the place in an ordered list where a page ends.

Encrypted, so that nobody can make one up or read it: the number of a row tells how many there are that are not shown.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidTag

from privacy.fields import decrypt, encrypt


class BadCursor(Exception):
    """A cursor that was not given out for this search."""


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A page begins behind this row; or, if ``is_backward``, ends before it. ``place`` is that of the row's list."""

    moment: datetime
    key: str
    place: int = 0
    is_backward: bool = False


def write(cursor: Cursor, *, search: str) -> str:
    """The cursor as text for the link of the search."""
    place = [cursor.moment.isoformat(), cursor.place, cursor.key, int(cursor.is_backward)]
    text = encrypt(json.dumps([*place, _mark(search)]))
    return text.replace("+", "-").replace("/", "_")


def read(text: str, *, search: str) -> Cursor:
    """The cursor of a link. Raises BadCursor for one that was changed, or belongs to another search."""
    try:
        opened = decrypt(text.replace("-", "+").replace("_", "/"))
        moment, place, key, is_backward, mark = json.loads(opened)
    except (InvalidTag, LookupError, ValueError):
        raise BadCursor from None
    if mark != _mark(search):
        raise BadCursor
    return Cursor(
        moment=datetime.fromisoformat(moment),
        place=int(place),
        key=str(key),
        is_backward=bool(is_backward),
    )


def _mark(search: str) -> str:
    return sha256(search.encode()).hexdigest()[:16]
