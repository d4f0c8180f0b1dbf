"""Why a referral is not taken in."""

from referrals.models import Referral


class ReferralRefused(Exception):
    """A rule of the service stands against this referral. ``element`` is the FHIR element that it concerns."""

    def __init__(self, sentence: str, *, code: str, element: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.element = element
        self.position: int | None = None  # its place among things sent together


class ReferralKnown(Exception):
    """The sender gave this identifier before; ``referral`` is the one that bears it."""

    def __init__(self, referral: Referral) -> None:
        super().__init__(
            f"A referral with this identifier exists already: ServiceRequest/{referral.pk}."
        )
        self.referral = referral
        self.position: int | None = None
