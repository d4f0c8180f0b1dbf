"""Peer support is not for a crisis: what stops a referral until its sender has said that there is no acute risk.

Published codes and words only (``safety_codes.csv``, ``safety_words.csv``). They ask a clinician and judge nobody: the
answer is the clinician's. Hazard H2.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from communities.loading import REFERENCE, rows
from communities.matching.need import Preference
from communities.safety import crisis_route
from communities.selectors import falls_under
from referrals.intake import Coding, NewReferral

_DIGITS = re.compile(r"\s*([0-9]{6,18})(?![0-9])")


@dataclass(frozen=True)
class Stop:
    """Why a referral goes no further: a sentence, an R4 issue type, and the FHIR element that it concerns."""

    sentence: str
    code: str
    element: str


def stop_of(new: NewReferral) -> Stop | None:
    """What stops a referral as it was sent; None: nothing does."""
    if new.has_acute_risk:
        return Stop(
            f"There is an acute risk, so this is not for peer support, and nothing was kept. {crisis_route()}",
            code="business-rule",
            element="ServiceRequest.extension",
        )
    element = _asked_by(new)
    return question_of(element) if element and new.has_acute_risk is None else None


def question_of(element: str) -> Stop:
    """The question that an element asks for: one that is not answered yet."""
    return Stop(
        "This speaks of a risk. Send the extension acute-risk in the ServiceRequest, with valueBoolean false when there is"
        " no acute risk now; docs/matching.md tells how. If there is one, this is not for peer support."
        f" {crisis_route()}",
        code="required",
        element=element,
    )


def preferences_of(new: NewReferral) -> frozenset[str]:
    """What was sent of the patient's needs; whoever was asked about a risk has a known one, if no acute one."""
    has_answered = new.has_acute_risk is not None
    return new.preferences | (
        {Preference.KNOWN_RISK.value} if has_answered and _asked_by(new) else set()
    )


def speaks_of_risk(codes: Iterable[str]) -> bool:
    """Whether one of these codes, or a concept above it, asks for the answer.

    Senders write SNOMED CT in many ways: of a code its first digits count, whatever system it is said to be of.
    """
    begins = (_DIGITS.match(code) for code in codes)
    return falls_under((found[1] for found in begins if found), _codes())


def _asked_by(new: NewReferral) -> str:
    """The element that asks for the answer, or nothing."""
    reasons = [("ServiceRequest.reasonCode", reason) for reason in new.reasons]
    return asked_by(codings=[*reasons, *new.indications], texts=new.texts)


def asked_by(*, codings: Iterable[tuple[str, Coding]], texts: Iterable[tuple[str, str]]) -> str:
    """The first element of these, each with a coding or words, that asks for the answer, or nothing."""
    coded = [(element, coding.code) for element, coding in codings]
    # All at once first: hardly any asks, and each asking reads the database.
    if speaks_of_risk(code for _element, code in coded):
        return next(element for element, code in coded if speaks_of_risk([code]))
    return next((element for element, text in texts if _words().search(_plain(text))), "")


def _plain(text: str) -> str:
    """The text as it is read: without marks that nobody sees, and with one kind of hyphen (Unicode, NFKC)."""
    seen = ((sign, unicodedata.category(sign)) for sign in unicodedata.normalize("NFKC", text))
    return "".join("-" if kind == "Pd" else sign for sign, kind in seen if kind != "Cf")


@cache
def _codes() -> frozenset[str]:
    return frozenset(row["snomed_code"] for row in rows(REFERENCE / "safety_codes.csv"))


@cache
def _words() -> re.Pattern[str]:
    phrases = (row["words"].split() for row in rows(REFERENCE / "safety_words.csv"))
    together = "|".join(r"\s+".join(map(re.escape, phrase)) for phrase in phrases)
    return re.compile(rf"\b(?:{together})\b", re.IGNORECASE)
