"""The codes that patients have in their hands: a long one for links, a short one for paper, and what finds them."""

import base64
from dataclasses import dataclass

from django.db.models import Q

from privacy.fields import (
    derived_bytes,
    keyed_hash,
    keyed_hashes,
    slow_keyed_hash,
    slow_keyed_hashes,
)
from referrals.models import Link

LONG_LENGTH, LONG_BYTES = 32, 20
TYPED_LENGTH, TYPED_GROUP = 12, 4
# Crockford's 32: no I, L, O or U.
TYPED_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TYPED_FOR = str.maketrans("ILOU", "110V")
_LONG_FOR = str.maketrans("0189", "OLBG")  # what base32 does not have
_LONG_HASH, _TYPED_HASH = "link-hash", "typed-code-hash"


@dataclass(frozen=True)
class Wanted:
    """What finds the link of a code that was followed or typed. A code that is none has no hashes."""

    long_hashes: tuple[str, ...] = ()
    typed_hashes: tuple[str, ...] = ()

    @property
    def condition(self) -> Q:
        """The rows that may be meant."""
        if self.typed_hashes:
            return Q(typed_hash__in=self.typed_hashes)
        return Q(code_hash__in=self.long_hashes)

    @property
    def words(self) -> str:
        """For ``Reach.link``."""
        return ",".join(self.long_hashes + self.typed_hashes)


def wanted(code: str) -> Wanted:
    """What to look for. Case, spaces, hyphens and letters that are easily taken for one another do not matter."""
    letters = "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())
    if len(letters) == TYPED_LENGTH:
        hashes = slow_keyed_hashes(letters.translate(_TYPED_FOR), purpose=_TYPED_HASH)
        return Wanted(typed_hashes=tuple(hashes))
    # Whatever its length: what is no code costs as much as what is one.
    return Wanted(
        long_hashes=tuple(keyed_hashes(letters.translate(_LONG_FOR).lower(), purpose=_LONG_HASH))
    )


def code_of(link: Link) -> str:
    """The long code: 160 bits in base32, worked out anew whenever it is needed. LookupError when its key is gone."""
    made = derived_bytes(str(link.pk), purpose="link-code", key_id=link.code_key)
    return base64.b32encode(made[:LONG_BYTES]).decode().lower()


def typed_code_of(link: Link) -> str:
    """The code for paper: 60 bits, such as 7KQX-M2PD-R9WA. LookupError when its key is gone."""
    made = derived_bytes(str(link.pk), purpose="typed-code", key_id=link.code_key)
    number = int.from_bytes(made[:8])
    letters = "".join(
        TYPED_LETTERS[(number >> (5 * place)) % len(TYPED_LETTERS)] for place in range(TYPED_LENGTH)
    )
    groups = range(0, TYPED_LENGTH, TYPED_GROUP)
    return "-".join(letters[start : start + TYPED_GROUP] for start in groups)


def long_hash_of(code: str) -> str:
    """What a long code is kept as, under the newest key."""
    return keyed_hash(code, purpose=_LONG_HASH)


def typed_hash_of(code: str) -> str:
    """What a code for paper is kept as, under the newest key."""
    return slow_keyed_hash(code.replace("-", ""), purpose=_TYPED_HASH)
