"""The carrier's book: which messages it was handed, for which referrals, how often."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

BOOK = "handed-over.log"


@dataclass
class Carried:
    """What the carrier was handed. It delivers a reference once and drops its repeats: that is its side of the deal."""

    references: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    times: Counter[str] = field(default_factory=Counter)

    def note(self, reference: str, referral: str) -> None:
        """One more message that was handed over."""
        self.references[referral].add(reference)
        self.times[reference] += 1

    @property
    def repeats(self) -> int:
        """How often something came again that was there already."""
        return self.times.total() - len(self.times)


def carried(folder: Path) -> Carried:
    """Read the book."""
    seen = Carried()
    book = folder / BOOK
    for line in book.read_text(encoding="utf-8").splitlines() if book.exists() else []:
        reference, referral = line.split()
        seen.note(reference, referral)
    return seen
