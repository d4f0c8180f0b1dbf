"""The facts that a host may state of its community: how each is read, checked and written down.

A fact is plain JSON, as docs/directory-data.md shows it. Nothing that a reviewer or the service decides is among them:
tier, cover, listing and review are worked out, never typed.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import StrEnum
from math import isfinite
from typing import Any
from unicodedata import category
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from accounts.models import Organisation, OrganisationKind
from communities import value_sets
from communities.hours import NotACalendar, normal
from communities.models import Area, Community, Condition, Listing, RevisionState
from communities.tiers import ModeratedBy, ModerationModel, SearchVisibility

Facts = Mapping[str, Any]


class FactsRefused(Exception):
    """Some facts cannot stand: ``errors`` has, for each, what is wrong with it."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(", ".join(sorted(errors)))
        self.errors = errors


ONE_OF: dict[str, type[StrEnum]] = {
    "kind": value_sets.Kind,
    "format": value_sets.Format,
    "state": value_sets.State,
    "sex": value_sets.Sex,
    "access": value_sets.Access,
    "anonymity": value_sets.Anonymity,
    "search_visibility": SearchVisibility,
    "data_need": value_sets.DataNeed,
    "staffed_by": value_sets.StaffedBy,
    "moderated_by": ModeratedBy,
    "moderation_model": ModerationModel,
}
SOME_OF: dict[str, type[StrEnum]] = {
    "audience": value_sets.Audience,
    "readiness": value_sets.Readiness,
    "accessibility": value_sets.Accessibility,
}
# As the model checks them: lengths, numbers, dates, addresses.
PLAIN = (
    ("name", "summary", "url", "min_age", "max_age", "centre_latitude", "centre_longitude")
    + ("radius_km", "cost", "can_look_first", "has_in_person", "device_need")
    + ("first_response_minutes", "first_response_p90_minutes", "moderator_training", "supervision")
    + ("escalation_role", "crisis_policy", "self_harm_policy", "misinformation_policy")
    + ("under_age_policy", "data_controller", "evidence_citation", "evidence_on")
    + ("fidelity_protocol", "osa_assessed_on", "valid_from", "valid_to")
)
RELATED = ("conditions", "areas", "practices")
NEEDED = ("name", "summary", "url", "conditions", "audience", "languages")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z", re.ASCII)
_HOST_NAME = re.compile(r"\.[^\W\d_][\w-]*\.?\Z")  # its last part begins with a letter
_COUNTRY = re.compile(r"[A-Z]{2}\Z", re.ASCII)
_ONE_LINE = ("name", "summary", "url")
_UNWRITABLE = (
    "Cc",
    "Cf",
    "Zl",
    "Zp",
)  # general categories of Unicode: control, format, line, paragraph
MOST_DRAFTS = 10  # of a host that wait for the reviewers at once
_MOST = 200  # entries of one list
_JSON_TYPES: tuple[tuple[type[Any], tuple[type, ...]], ...] = (
    (models.BooleanField, (bool,)),
    (models.IntegerField, (int,)),
    (models.FloatField, (int, float)),
    (models.Field, (str,)),
)


def checked(facts: Facts, *, of: Community, day: date) -> dict[str, Any]:
    """The facts as they are kept, once they all can stand together with what is already known of the community.

    Raises FactsRefused with everything that is wrong.
    """
    errors: dict[str, list[str]] = {}
    kept: dict[str, Any] = {}
    for name, value in facts.items():
        try:
            kept[name] = _reader(name)(value)
        except ValidationError as error:
            errors[name] = error.messages
        except NotACalendar as error:
            errors[name] = [str(error)]
    for name, message in _contradictions(stated(of) | kept, day):
        if name not in errors:
            errors[name] = [message]
    if errors:
        raise FactsRefused(errors)
    return kept


def check_drafts(host: Organisation) -> None:
    """Refuse (FactsRefused) one draft more of a host of which many wait for the reviewers already."""
    waiting = Community.objects.filter(
        host=host, listing=Listing.DRAFT, revisions__state=RevisionState.PROPOSED
    )
    if waiting.distinct().count() >= MOST_DRAFTS:
        said = _("%(most)s of your communities wait for the reviewers already.")
        raise FactsRefused({"name": [said % {"most": MOST_DRAFTS}]})


def stated(community: Community) -> dict[str, Any]:
    """Everything that stands of a community, written as facts."""
    related = {
        "conditions": _keys(community.conditions, "pk"),
        "areas": _keys(community.areas, "place"),
        "practices": _keys(community.practices, "ods_code"),
    }
    return {
        name: _plain(getattr(community, name)) for name in FACTS if name not in RELATED
    } | related


def as_columns(facts: Facts) -> dict[str, Any]:
    """Those of the facts that are columns, as the model has them."""
    return {
        name: _field(name).to_python(value) for name, value in facts.items() if name not in RELATED
    }


def _keys(rows: Any, column: str) -> list[str]:
    return sorted(rows.values_list(column, flat=True))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _reader(name: str) -> Callable[[Any], Any]:
    if name not in FACTS:
        raise ValidationError(_("This is not a fact that a host states."))
    return FACTS[name]


def _field(name: str) -> "models.Field[Any, Any]":
    field = Community._meta.get_field(name)
    assert isinstance(field, models.Field)  # noqa: S101  (no relation is asked for)
    return field


def is_writable(text: str, *, is_one_line: bool) -> bool:
    """Whether it has no control or format character; line ends and tabs may stand where there are several lines."""
    kept = text if is_one_line else text.translate({ord(each): " " for each in "\n\t"})
    return not any(category(each) in _UNWRITABLE for each in kept)


def _plain_reader(name: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        field = _field(name)
        wanted = next(types for kind, types in _JSON_TYPES if isinstance(field, kind))
        if value is not None and type(value) not in wanted:
            raise ValidationError(_("This is not the right kind of value."))
        if isinstance(value, str):
            value = value.strip()
            if not is_writable(value, is_one_line=name in _ONE_LINE):
                raise ValidationError(_("This has characters that cannot be written."))
        return _plain(field.clean(value, None))

    return read


def _one_of(values: type[StrEnum]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in set(values):
            raise ValidationError(_("Choose one of: %(all)s.") % {"all": ", ".join(values)})
        return str(value)

    return read


def _some_of(values: type[StrEnum]) -> Callable[[Any], list[str]]:
    def read(value: Any) -> list[str]:
        chosen = set(_words(value))
        if not chosen <= set(values):
            raise ValidationError(_("Choose among: %(all)s.") % {"all": ", ".join(values)})
        return [str(each) for each in values if each in chosen]

    return read


def _words(value: Any) -> list[str]:
    """A list of different words, in the order given."""
    is_list = isinstance(value, list) and len(value) <= _MOST
    if not is_list or not all(isinstance(word, str) for word in value):
        raise ValidationError(_("Give a list of at most %(most)s words.") % {"most": _MOST})
    return list(dict.fromkeys(value))


def _languages(value: Any) -> list[str]:
    languages = _words(value)
    if not all(_LANGUAGE.match(language) for language in languages):
        raise ValidationError(_("Give language tags, such as en or bn."))
    return languages


def _country(value: Any) -> str:
    if value != "" and not (isinstance(value, str) and _COUNTRY.match(value)):
        raise ValidationError(_("Give a country in two letters, such as GB."))
    return str(value)


def _time_zone(value: Any) -> str:
    if not isinstance(value, str) or value not in available_timezones():
        raise ValidationError(_("Give a time zone, such as Europe/London."))
    return value


def _known(rows: Callable[[], "models.QuerySet[Any]"], column: str) -> Callable[[Any], list[str]]:
    def read(value: Any) -> list[str]:
        asked = set(_words(value))
        if not all(is_writable(word, is_one_line=True) for word in asked):
            raise ValidationError(_("This has characters that cannot be written."))
        found = set(rows().filter(**{f"{column}__in": asked}).values_list(column, flat=True))
        if unknown := sorted(asked - found):
            raise ValidationError(_("Not known: %(words)s.") % {"words": ", ".join(unknown)[:200]})
        return sorted(asked)

    return read


FACTS: dict[str, Callable[[Any], Any]] = {
    **{name: _plain_reader(name) for name in PLAIN},
    **{name: _one_of(values) for name, values in ONE_OF.items()},
    **{name: _some_of(values) for name, values in SOME_OF.items()},
    "languages": _languages,
    "data_country": _country,
    "time_zone": _time_zone,
    "moderator_hours": normal,
    "conditions": _known(Condition.objects.all, "key"),
    "areas": _known(Area.objects.all, "place"),
    "practices": _known(
        lambda: Organisation.objects.filter(kind=OrganisationKind.PRACTICE), "ods_code"
    ),
}


def _contradictions(facts: Facts, day: date) -> Iterable[tuple[str, str]]:
    """What cannot be true of a community at once, or must be known of every one."""
    for name in NEEDED:
        if not facts[name]:
            yield name, _("This is needed.")
    if not str(facts["url"]).startswith("https://"):
        yield "url", _("Give an address that begins with https://.")
    elif not _names_a_host(str(facts["url"])):
        yield "url", _("Give an address with the name of a website, and no user or number in it.")
    for low, high in (
        ("min_age", "max_age"),
        ("valid_from", "valid_to"),
        ("first_response_minutes", "first_response_p90_minutes"),
    ):
        if None not in (facts[low], facts[high]) and facts[low] > facts[high]:
            yield high, _("This is less than where it begins.")
    circle = [facts[name] for name in ("centre_latitude", "centre_longitude", "radius_km")]
    if any(each is None for each in circle) and any(each is not None for each in circle):
        yield "radius_km", _("A circle needs its centre and how far it reaches.")
    yield from _out_of_range(facts, day)


def _names_a_host(url: str) -> bool:
    """Whether people can see from an address where it leads: a name with a dot, no user before it, no IP address."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    return "@" not in parts.netloc and bool(_HOST_NAME.search(name))


def _out_of_range(facts: Facts, day: date) -> Iterable[tuple[str, str]]:
    for name, most in (("centre_latitude", 90), ("centre_longitude", 180)):
        if facts[name] is not None and not -most <= facts[name] <= most:
            yield name, _("Give degrees between -%(most)s and %(most)s.") % {"most": most}
    if facts["radius_km"] is not None and not isfinite(facts["radius_km"]):
        yield "radius_km", _("This is not the right kind of value.")
    for name in ("evidence_on", "osa_assessed_on"):
        if facts[name] is not None and facts[name] > day.isoformat():
            yield name, _("This day is still to come.")
    for name in ("min_age", "max_age"):
        if facts[name] is not None and facts[name] > 120:
            yield name, _("Give an age in years.")
