"""Who acts: the one thing that use cases and selectors know about whoever is asking."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from accounts.models import Client, Organisation, Role, User


class ActorKind(StrEnum):
    """The kinds of actor that the life cycle and the selectors tell apart."""

    CLIENT = "client"
    PATIENT = "patient"
    HOST = "host"
    COMMISSIONER = "commissioner"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    """Somebody or something that acts. ``organisation_id`` is the organisation it acts for, if any.

    ``is_bars`` is a clinical system that keeps to the Booking and Referral Standard: its request ids are unique.
    ``is_strict`` is one that wants known deviations refused instead of tolerated, ``may_export`` one that may ask for
    everything at once.
    """

    kind: ActorKind
    id: str
    organisation_id: UUID | None = None
    scopes: frozenset[str] = field(default=frozenset())
    is_bars: bool = False
    is_strict: bool = False
    may_export: bool = False

    @property
    def label(self) -> str:
        """For the audit: what kind of actor, and which."""
        return f"{self.kind}/{self.id}" if self.id else str(self.kind)


SYSTEM = Actor(ActorKind.SYSTEM, "")


def client_actor(client: Client, *, scope: str) -> Actor:
    """A clinical system, limited to the scopes of its token."""
    return Actor(
        ActorKind.CLIENT,
        str(client.pk),
        client.organisation_id,
        frozenset(scope.split()),
        is_bars=client.is_bars,
        is_strict=client.is_strict,
        may_export=client.may_export,
    )


def patient_actor(referral_id: UUID) -> Actor:
    """Whoever holds a referral's link and knows the date of birth."""
    return Actor(ActorKind.PATIENT, str(referral_id))


def host_actor(organisation: Organisation) -> Actor:
    """A community's host, known by its webhook signature."""
    return Actor(ActorKind.HOST, str(organisation.pk), organisation.pk)


def commissioner_actor(user: User, *, icb: Organisation | None) -> Actor:
    """Somebody who is signed in and asks for figures, for an ICB of theirs; for none, if they have none."""
    return Actor(ActorKind.COMMISSIONER, str(user.pk), icb.pk if icb else None)


def member_actor(user: User, *, organisation: Organisation) -> Actor:
    """Somebody who is signed in and acts for an organisation of theirs."""
    return Actor(ActorKind.STAFF, str(user.pk), organisation.pk)


def icbs_of(user: User) -> list[Organisation]:
    """The ICBs whose figures a person may see."""
    return list(
        Organisation.objects.filter(
            memberships__user=user, memberships__role=Role.COMMISSIONER, kind="icb"
        ).order_by("name", "pk")
    )
