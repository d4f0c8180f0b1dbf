"""What people may do by their role in an organisation; asked when they do it, not when they signed in."""

from uuid import UUID

from accounts.actors import Actor, ActorKind
from accounts.models import Membership, Organisation, OrganisationKind, Role, User

# In which kind of organisation a role counts.
PLACES = {
    Role.CLINICIAN: OrganisationKind.PRACTICE,
    Role.PRACTICE_ADMINISTRATOR: OrganisationKind.PRACTICE,
    Role.COMMUNITY_COORDINATOR: OrganisationKind.HOST,
    Role.COMMISSIONER: OrganisationKind.ICB,
    Role.CLINICAL_REVIEWER: OrganisationKind.OPERATOR,
    Role.LIVED_EXPERIENCE_REVIEWER: OrganisationKind.OPERATOR,
}


def has_role(actor: Actor, role: Role) -> bool:
    """Whether somebody has this role in the organisation that they act for, and it is one where the role counts."""
    if actor.kind is not ActorKind.STAFF or actor.organisation_id is None:
        return False
    return Membership.objects.filter(
        user_id=actor.id,
        organisation_id=actor.organisation_id,
        organisation__kind=PLACES[role],
        role=role,
    ).exists()


def works_for(actor: Actor, organisation_id: UUID) -> bool:
    """Whether a person has any role in an organisation, whoever they act for now."""
    return (
        actor.kind is ActorKind.STAFF
        and Membership.objects.filter(user_id=actor.id, organisation_id=organisation_id).exists()
    )


def organisations_of(user: User, *roles: Role) -> list[Organisation]:
    """The organisations in which a person has one of these roles and it counts."""
    return [
        organisation
        for role in roles
        for organisation in Organisation.objects.filter(
            kind=PLACES[role], memberships__user=user, memberships__role=role
        ).order_by("name", "pk")
    ]
