"""A community of the directory as the public pages show it: what is stated in words, and what nobody has stated."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from communities.capacity import capacity_of
from communities.hours import is_covered, next_cover
from communities.models import CapacityState, Community
from communities.models.tier_column import UNNAMED_HOST
from communities.selectors import moderation_of
from communities.tiers import ModeratedBy, Tier, tier_of
from web import words

UNKNOWN = "unknown"
_AN_HOUR = 60

# What it is about, what is stated ("" where nothing is), and how to say that it is not known ("" where that is no loss).
Line = tuple[str, str, str]


@dataclass(frozen=True)
class Part:
    """One part of a community's page."""

    heading: str
    lines: list[tuple[str, str]]


@dataclass(frozen=True)
class Shown:
    """What a list shows of a community."""

    key: str
    name: str
    host_name: str
    summary: str
    tier: str
    tier_text: str
    is_referred_to: bool
    is_well_moderated: bool
    has_area: bool
    is_fictional: bool
    now: str
    is_somebody_there: bool
    hours: str
    made_up_name: bool
    members_only: bool
    free: bool
    room: str


def shown(community: Community, *, at: datetime) -> Shown:
    """A community as a list shows it at a moment."""
    tier = tier_of(moderation_of(community), on=localdate(at))
    return Shown(
        key=community.key,
        name=community.name,
        host_name=_host(community),
        summary=community.summary,
        tier=tier,
        tier_text=str(words.TIERS[tier]),
        is_referred_to=tier in (Tier.A, Tier.B, Tier.C),
        is_well_moderated=tier in (Tier.A, Tier.B),
        has_area=_has_area(community),
        is_fictional=community.is_fictional,
        now=_now(community, at),
        is_somebody_there=is_covered(community.moderator_hours, community.time_zone, at),
        hours=_hours(community),
        made_up_name=community.anonymity == "pseudonym_allowed",
        members_only=community.search_visibility == "members_only",
        free=community.cost == "free",
        room=_room(community, at),
    )


def parts_of(community: Community, *, at: datetime) -> list[Part]:
    """Everything that is stated of a community, in parts."""
    return [
        Part(_("What it is and who it is for"), _stated(_what(community))),
        Part(_("Who runs it"), _stated(_who_runs(community))),
        Part(_("Who moderates, and when"), _stated(_moderation(community, at))),
        Part(_("What it asks of you"), _stated(_asks(community, at))),
        Part(_("When somebody is in danger"), _stated(_danger(community))),
    ]


def not_known(community: Community, *, at: datetime) -> list[str]:
    """What nobody has stated, of all that the page would show."""
    lines = [*_what(community), *_who_runs(community), *_moderation(community, at)]
    lines += [*_asks(community, at), *_danger(community)]
    return [unknown for _label, value, unknown in lines if unknown and not value]


def _stated(lines: Iterable[Line]) -> list[tuple[str, str]]:
    return [(label, value) for label, value, _unknown in lines if value]


def _what(community: Community) -> list[Line]:
    sex = community.sex if community.sex in words.SEXES else "any"
    return [
        (_("Kind"), _word(words.KINDS, community.kind), _("What kind of community it is")),
        (_("How people meet"), _word(words.FORMATS, community.format), _("How people meet")),
        (
            _("For"),
            ", ".join(sorted(each.label for each in community.conditions.all())),
            _("For which conditions it is"),
        ),
        (_("Welcomes"), _all_words(words.AUDIENCES, community.audience), _("Whom it welcomes")),
        (_("Ages"), _ages(community), _("For which ages it is")),
        (_("Men and women"), _word(words.SEXES, sex), ""),
        (_("Where"), _where(community), _("Which area it serves")),
        (
            _("Languages"),
            ", ".join(map(words.language, community.languages)),
            _("In which languages"),
        ),
        (_("Stages of change"), _all_words(words.READINESS, community.readiness) or _("Any"), ""),
        (
            _("Access needs it meets"),
            _all_words(words.ACCESSIBILITIES, community.accessibility),
            _("Which access needs it meets"),
        ),
        (_("At present"), _word(words.STATES, community.state), ""),
        (_("Research"), community.evidence_citation, _("Whether it rests on research")),
    ]


def _who_runs(community: Community) -> list[Line]:
    return [
        (_("Organisation"), _host(community), _("Which organisation runs it")),
        (
            _("Who answers for members’ data"),
            community.data_controller,
            _("Who answers for members’ data"),
        ),
        (
            _("Country where data is kept"),
            community.data_country,
            _("In which country data is kept"),
        ),
    ]


def _moderation(community: Community, at: datetime) -> list[Line]:
    return [
        (
            _("Who moderates"),
            _word(words.MODERATED_BY, community.moderated_by),
            _("Whether anybody moderates"),
        ),
        (_("When moderators are there"), _hours(community), _("When moderators are there")),
        (_("Now"), _now(community, at), ""),
        (
            _("How posts are looked at"),
            _word(words.MODELS, community.moderation_model),
            _("How posts are looked at"),
        ),
        (
            _("Usual time to a first answer"),
            _minutes(community.first_response_minutes),
            _("How long a first answer usually takes"),
        ),
        (
            _("Who answers"),
            _word(words.STAFFED_BY, community.staffed_by),
            _("Whether a computer writes some of the answers"),
        ),
        (
            _("Training of moderators"),
            community.moderator_training,
            _("How moderators are trained"),
        ),
        (_("Supervision of moderators"), community.supervision, _("How moderators are supervised")),
    ]


def _asks(community: Community, at: datetime) -> list[Line]:
    return [
        (_("Places"), _room(community, at), _("Whether there are places")),
        (_("How to join"), _word(words.ACCESSES, community.access), _("How to join")),
        (
            _("Cost"),
            "" if community.cost == UNKNOWN else community.cost.capitalize(),
            _("What it costs"),
        ),
        (
            _("Your name"),
            _word(words.ANONYMITIES, community.anonymity),
            _("Whether you can use a made-up name"),
        ),
        (
            _("Who can read it"),
            _word(words.VISIBILITIES, community.search_visibility),
            _("Who can read what you write"),
        ),
        (
            _("Looking around first"),
            _yes_or_no(community.can_look_first),
            _("Whether you can look around before you join"),
        ),
        (
            _("Meetings in person"),
            _yes_or_no(community.has_in_person),
            _("Whether there are meetings in person"),
        ),
        (
            _("Mobile data"),
            _word(words.DATA_NEEDS, community.data_need),
            _("How much mobile data it takes"),
        ),
        (_("Device"), community.device_need, ""),
    ]


def _danger(community: Community) -> list[Line]:
    return [
        (
            _("What the community does"),
            community.crisis_policy,
            _("What it does when somebody is in danger"),
        ),
        (_("Who is told"), community.escalation_role, _("Who is told when somebody is in danger")),
        (
            _("Posts about self-harm"),
            community.self_harm_policy,
            _("What it does about posts on self-harm"),
        ),
        (_("Wrong advice"), community.misinformation_policy, _("What it does about wrong advice")),
        (
            _("Members who are too young"),
            community.under_age_policy,
            _("What it does when a member is too young"),
        ),
    ]


def _word(table: words.Words, code: str) -> str:
    return "" if code in ("", UNKNOWN) else str(table.get(code, code))


def _all_words(table: words.Words, codes: Iterable[Any]) -> str:
    return ", ".join(str(table.get(code, code)) for code in codes)


def _host(community: Community) -> str:
    return "" if community.host.name == UNNAMED_HOST else community.host.name


def _hours(community: Community) -> str:
    if community.hours_text:
        return community.hours_text
    return _word(words.COVERS, community.cover)


def _now(community: Community, at: datetime) -> str:
    """Whether a moderator is there, as far as a calendar says so; UK time."""
    if community.moderated_by == ModeratedBy.NOBODY:
        return ""
    if not community.moderator_hours:
        return _("We cannot tell whether a moderator is there now")
    if is_covered(community.moderator_hours, community.time_zone, at):
        return _("A moderator is there now")
    coming = next_cover(community.moderator_hours, community.time_zone, at)
    if coming is None:
        return ""
    day = _day(coming, at)
    said = {"day": day, "time": localtime(coming).strftime("%H:%M")}
    return _("Nobody is there now. A moderator is there again %(day)s at %(time)s") % said


def _day(moment: datetime, at: datetime) -> str:
    days = localdate(moment) - localdate(at)
    if days == timedelta(0):
        return _("today")
    if days == timedelta(days=1):
        return _("tomorrow")
    return _("on %(weekday)s") % {"weekday": date_format(localtime(moment), "l")}


def _ages(community: Community) -> str:
    low, high = community.min_age, community.max_age
    if low is None and high is None:
        return ""
    if high is None:
        return _("%(low)s and over") % {"low": low}
    if low is None:
        return _("18 to %(high)s") % {"high": high}
    return _("%(low)s to %(high)s") % {"low": low, "high": high}


def _has_area(community: Community) -> bool:
    """Whether it is recorded whom it serves: nobody is referred where that is not known."""
    return bool(
        community.areas.all() or community.radius_km is not None or community.practices.all()
    )


def _where(community: Community) -> str:
    named = [area.name for area in sorted(community.areas.all(), key=lambda area: area.name)]
    if any(area.place == "nation:UK" for area in community.areas.all()):
        named = [_("Anywhere in the UK")]
    if community.radius_km is not None:
        named.append(_("People who live within %(km)s km of it") % {"km": community.radius_km})
    return ", ".join(named)


def _minutes(minutes: int | None) -> str:
    if minutes is None:
        return ""
    if minutes < 2 * _AN_HOUR:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    hours = round(minutes / _AN_HOUR)
    return ngettext("about %(n)s hour", "about %(n)s hours", hours) % {"n": hours}


def _yes_or_no(value: bool | None) -> str:  # noqa: FBT001  (the value of a fact)
    return {True: _("Yes"), False: _("No"), None: ""}[value]


def _room(community: Community, at: datetime) -> str:
    """What the host has stated of its places, with its date; a statement that is old is none."""
    stated = capacity_of(community)
    if stated is None:
        return ""
    said = {
        CapacityState.CAPACITY: _("There are places"),
        CapacityState.NO_CAPACITY: _("Full"),
        CapacityState.WAITLIST: _("Full, with a waiting list"),
        CapacityState.ASSESSMENT: _("There are places. They talk with you first"),
        CapacityState.UNKNOWN: "",
    }[stated.state(localdate(at))]
    day = date_format(stated.stated_on, "j F Y")
    return said and _("%(said)s (stated on %(day)s)") % {"said": said, "day": day}
