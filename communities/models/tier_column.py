"""The tier as the database works it out, from the columns of one row: what ``tiers.tier_of`` says of a named host's.

The database keeps it, so that a search by tier among 100,000 communities reads an index. That both always agree is
proven for every combination of facts in tests/communities/test_tiers.py.
"""

from django.db.models import Case, CharField, GeneratedField, Q, Value, When

from communities.tiers import Cover, ModeratedBy, ModerationModel, SearchVisibility, Tier
from communities.value_sets import Kind

UNNAMED_HOST = "unknown"

_HAS_CRISIS_ROUTE_AND_IS_CLOSED = ~Q(crisis_policy="") & Q(
    search_visibility=SearchVisibility.MEMBERS_ONLY.value
)
_A = (
    Q(
        moderated_by=ModeratedBy.PROFESSIONAL.value,
        cover=Cover.ALL_HOURS.value,
        moderation_model__in=[ModerationModel.PRE.value, ModerationModel.POST.value],
    )
    & ~Q(escalation_role="")
    & ~Q(supervision="")
    & _HAS_CRISIS_ROUTE_AND_IS_CLOSED
)
_IS_TRAINED = Q(moderated_by=ModeratedBy.PROFESSIONAL.value) | (
    Q(moderated_by__in=[ModeratedBy.STAFF.value, ModeratedBy.TRAINED_VOLUNTEER.value])
    & ~Q(moderator_training="")
)
_B = (
    _IS_TRAINED
    & Q(cover__in=[Cover.ALL_HOURS.value, Cover.DAILY.value], first_response_minutes__isnull=False)
    & ~Q(hours_text="")
    & _HAS_CRISIS_ROUTE_AND_IS_CLOSED
)


def tier_column() -> GeneratedField:
    """A column that nobody writes; whether a host is named, and whether a review holds, is asked beside it."""
    return GeneratedField(
        expression=Case(
            When(kind=Kind.PUBLIC_SOCIAL_GROUP.value, then=Value(Tier.D.value)),
            When(moderated_by=ModeratedBy.NOBODY.value, then=Value(Tier.D.value)),
            When(moderated_by=ModeratedBy.UNKNOWN.value, then=Value(Tier.U.value)),
            When(_A, then=Value(Tier.A.value)),
            When(_B, then=Value(Tier.B.value)),
            default=Value(Tier.C.value),
        ),
        output_field=CharField(max_length=1),
        db_persist=True,
    )


def is_of_tier(tier: Tier) -> Q:
    """Communities of a tier, by their facts and whether a host is named, as long as their review holds."""
    unnamed = Q(host__name=UNNAMED_HOST)
    if tier is Tier.U:
        return Q(tier_by_facts=Tier.U.value)
    if tier is Tier.D:
        nobody_answers = Q(tier_by_facts__in=[Tier.A.value, Tier.B.value, Tier.C.value]) & unnamed
        return Q(tier_by_facts=Tier.D.value) | nobody_answers
    return Q(tier_by_facts=tier.value) & ~unnamed
