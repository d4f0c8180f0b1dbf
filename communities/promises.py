"""What a host promises less of than before: such facts count at once, before anybody has signed them off.

Each safety fact has an order from what protects members least to what protects them most. Of an old and a new value the
lesser one counts until two people have agreed to the new one. So nothing that is stated can raise a tier by itself, and
what lowers it never waits.
"""

from collections.abc import Callable, Mapping
from typing import Any

from communities.facts import Facts
from communities.hours import common
from communities.tiers import ModeratedBy, ModerationModel, SearchVisibility
from communities.value_sets import Anonymity, Kind, StaffedBy, State

_ADULT = 18
_FOR_EVER = 10**9

Order = Callable[[Any], Any]


def _ranks(*least_first: object) -> Order:
    return {value: rank for rank, value in enumerate(least_first)}.__getitem__


_ORDERS: Mapping[str, Order] = {
    "kind": lambda kind: kind != Kind.PUBLIC_SOCIAL_GROUP,
    "state": lambda state: state == State.OPEN,
    "staffed_by": _ranks(StaffedBy.SOFTWARE, StaffedBy.UNKNOWN, StaffedBy.BOTH, StaffedBy.PEOPLE),
    "moderated_by": _ranks(
        ModeratedBy.NOBODY,
        ModeratedBy.UNKNOWN,
        ModeratedBy.UNSPECIFIED,
        ModeratedBy.PEER,
        ModeratedBy.TRAINED_VOLUNTEER,
        ModeratedBy.STAFF,
        ModeratedBy.PROFESSIONAL,
    ),
    "moderation_model": _ranks(
        ModerationModel.UNKNOWN,
        ModerationModel.REACTIVE,
        ModerationModel.MIXED,
        ModerationModel.POST,
        ModerationModel.PRE,
    ),
    "search_visibility": _ranks(
        SearchVisibility.PUBLIC, SearchVisibility.UNKNOWN, SearchVisibility.MEMBERS_ONLY
    ),
    "anonymity": _ranks(Anonymity.REAL_NAME, Anonymity.UNKNOWN, Anonymity.PSEUDONYM_ALLOWED),
    # No lowest age: adults only. A narrower range of ages must not wait either.
    "min_age": lambda age: -(_ADULT if age is None else age),
    "max_age": lambda age: _FOR_EVER if age is None else age,
    **dict.fromkeys(
        ("first_response_minutes", "first_response_p90_minutes"),
        lambda minutes: -_FOR_EVER if minutes is None else -minutes,
    ),
    **dict.fromkeys(
        ("moderator_training", "supervision", "escalation_role", "crisis_policy")
        + ("self_harm_policy", "misinformation_policy", "under_age_policy"),
        bool,
    ),
    "osa_assessed_on": lambda day: day or "",
    "valid_to": lambda day: day or "9999-12-31",
}
SAFETY_FACTS = (*_ORDERS, "moderator_hours")


def lessened(old: Facts, new: Facts) -> dict[str, Any]:
    """Those of the new facts that promise less than the old ones; of hours, the ones that both hold."""
    less = {
        name: value
        for name, value in new.items()
        if (order := _ORDERS.get(name)) and order(value) < order(old[name])
    }
    if "moderator_hours" in new:
        hours = common(old["moderator_hours"], new["moderator_hours"])
        if hours != old["moderator_hours"]:
            less["moderator_hours"] = hours
    return less
