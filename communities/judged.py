"""The facts by which communities were judged, each state of them kept once."""

from collections.abc import Collection, Iterable

from communities.matching import facts
from communities.matching.candidate import Candidate
from communities.models import JudgedFacts


def keep_judged(judged: Iterable[Candidate]) -> list[int]:
    """The ids of the JudgedFacts that say just this, in order; those that are missing are written."""
    told = {facts.digest(each): each for each in map(facts.written, judged)}
    known = _ids(told)
    if missing := told.keys() - known.keys():
        JudgedFacts.objects.bulk_create(
            (
                JudgedFacts(
                    community_id=told[digest]["community_id"], digest=digest, facts=told[digest]
                )
                for digest in sorted(
                    missing
                )  # in one order: two that write the same wait and do not lock
            ),
            ignore_conflicts=True,
        )
        known |= _ids(missing)
    return sorted(known.values())


def judged_at(ids: Iterable[int]) -> list[Candidate]:
    """The communities as they were judged."""
    rows = JudgedFacts.objects.filter(pk__in=list(ids)).values_list("facts", flat=True)
    return [facts.read(Candidate, row) for row in rows]


def _ids(digests: Collection[str]) -> dict[str, int]:
    rows = JudgedFacts.objects.filter(digest__in=list(digests))
    return dict(rows.values_list("digest", "pk"))
