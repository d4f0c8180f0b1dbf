"""What people of an ICB needed and nobody offered, for those who could found it: numbers that passed disclosure control."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.timezone import localdate

from accounts.models import Organisation
from communities.models import LocalAuthority
from communities.unmet import unmet_needs
from engagement.disclosure import Shown, shown
from engagement.measures import months_until


@dataclass(frozen=True)
class Need:
    """How many referrals for a condition found no community: all of them, or those of one ``key``.

    The ``key`` is a local authority's ONS code, with its name, or a language's tag; empty where it is not known.
    """

    condition: str
    condition_label: str
    number: Shown
    key: str = ""
    name: str = ""


@dataclass(frozen=True)
class UnmetNeeds:
    """The register of the last twelve calendar months, most frequent first, in three fixed tables.

    None is by place and language at once: next to nothing of it could be shown. By place and by language only what may
    be shown is listed: of the rest nobody can tell few from none.
    """

    icb_ods: str
    icb_name: str
    first_month: date
    last_month: date
    by_condition: tuple[Need, ...]
    by_place: tuple[Need, ...]
    by_language: tuple[Need, ...]


Tally = Counter[tuple[str, str]]


def unmet_needs_of(*, icb: Organisation, at: datetime) -> UnmetNeeds:
    """Where patients live decides whose register a referral is in. A referral for two conditions is in it twice."""
    last_month = localdate(at).replace(day=1)
    months = months_until(last_month)
    rows = unmet_needs(icb.ods_code or "").filter(month__gte=months[0], month__lte=last_month)
    conditions: dict[str, str] = {}
    by_condition, by_place, by_language = Tally(), Tally(), Tally()
    for row in rows.select_related("condition"):
        key = str(row.condition_id)
        conditions[key] = row.condition.label
        by_condition[key, ""] += row.number
        by_place[key, row.lad_code] += row.number
        by_language[key, row.language] += row.number
    codes = {code for _condition, code in by_place}
    names = dict(LocalAuthority.objects.filter(pk__in=codes).values_list("pk", "name"))
    return UnmetNeeds(
        icb_ods=icb.ods_code or "",
        icb_name=icb.name,
        first_month=months[0],
        last_month=last_month,
        by_condition=_needs(by_condition, conditions, {}, is_whole_icb=True),
        by_place=_showable(_needs(by_place, conditions, names, is_whole_icb=False)),
        by_language=_showable(_needs(by_language, conditions, {}, is_whole_icb=False)),
    )


def _needs(
    tally: Tally, conditions: Mapping[str, str], names: Mapping[str, str], *, is_whole_icb: bool
) -> tuple[Need, ...]:
    """Most frequent first as far as it shows, then by name: the order tells no more than the figures."""
    found = [
        Need(
            condition=condition,
            condition_label=conditions[condition],
            number=shown(number, is_whole_icb=is_whole_icb),
            key=key,
            name=names.get(key, ""),
        )
        for (condition, key), number in tally.items()
        if number
    ]
    return tuple(
        sorted(found, key=lambda need: (-(need.number.value or 0), need.condition_label, need.key))
    )


def _showable(needs: tuple[Need, ...]) -> tuple[Need, ...]:
    return tuple(need for need in needs if need.number.value is not None)
