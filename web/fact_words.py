"""What each fact of a community is called on the pages of hosts and reviewers, and its values in words."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from communities.hours import hours_in_words
from communities.selectors import areas, conditions_named
from web import words

Text = str | Promise
ONE, SOME, WORDS, LONG, NUMBER, DECIMAL, DAY, YES_NO = (
    "one",
    "some",
    "words",
    "long",
    "number",
    "decimal",
    "day",
    "yes-no",
)
HOURS, CONDITIONS, AREAS, CODES = "hours", "conditions", "areas", "codes"


@dataclass(frozen=True)
class Fact:
    """How a fact is asked for: its kind of control, what it is called, a hint, and the words of its codes."""

    name: str
    kind: str
    label: Text
    hint: Text = ""
    choices: words.Words | None = None


@dataclass(frozen=True)
class Group:
    """Facts that are asked for together."""

    key: str
    heading: Text
    facts: tuple[Fact, ...]


_t = gettext_lazy
GROUPS = (
    Group(
        "about",
        _t("What it is"),
        (
            Fact("name", WORDS, _t("Name")),
            Fact(
                "summary",
                LONG,
                _t("What it is, for patients"),
                _t("In one or two plain sentences."),
            ),
            Fact("url", WORDS, _t("Web address"), _t("It begins with https://.")),
            Fact("kind", ONE, _t("Kind"), choices=words.KINDS),
            Fact("format", ONE, _t("How people meet"), choices=words.FORMATS),
            Fact("state", ONE, _t("At present"), choices=words.STATES),
            Fact("valid_from", DAY, _t("Listed from"), _t("Leave empty for now.")),
            Fact("valid_to", DAY, _t("Listed until"), _t("Leave empty for no end.")),
        ),
    ),
    Group(
        "for-whom",
        _t("Who it is for"),
        (
            Fact("conditions", CONDITIONS, _t("Conditions")),
            Fact("audience", SOME, _t("Whom it welcomes"), choices=words.AUDIENCES),
            Fact("min_age", NUMBER, _t("Lowest age"), _t("Leave empty for adults only.")),
            Fact("max_age", NUMBER, _t("Highest age"), _t("Leave empty for none.")),
            Fact("sex", ONE, _t("Men and women"), choices=words.SEXES),
            Fact(
                "languages",
                CODES,
                _t("Languages"),
                _t("Language tags with commas, such as en, bn."),
            ),
            Fact(
                "readiness", SOME, _t("Stages of change"), _t("Tick none for any."), words.READINESS
            ),
            Fact("accessibility", SOME, _t("Access needs it meets"), choices=words.ACCESSIBILITIES),
        ),
    ),
    Group(
        "where",
        _t("Where it serves"),
        (
            Fact(
                "areas",
                AREAS,
                _t("Areas"),
                _t("One in a line: a council, an NHS board or a nation by its name, or UK."),
            ),
            Fact(
                "practices",
                CODES,
                _t("GP practices"),
                _t("Only where it is paid for by practice: ODS codes with commas."),
            ),
            Fact(
                "radius_km",
                NUMBER,
                _t("Reach in kilometres"),
                _t("Only for people who live near a place."),
            ),
            Fact("centre_latitude", DECIMAL, _t("Latitude of that place")),
            Fact("centre_longitude", DECIMAL, _t("Longitude of that place")),
        ),
    ),
    Group(
        "taking-part",
        _t("Taking part"),
        (
            Fact("cost", WORDS, _t("Cost"), _t("Write “free” where it costs nothing.")),
            Fact("access", ONE, _t("How people join"), choices=words.ACCESSES),
            Fact("anonymity", ONE, _t("Names"), choices=words.ANONYMITIES),
            Fact("search_visibility", ONE, _t("Who can read it"), choices=words.VISIBILITIES),
            Fact("can_look_first", YES_NO, _t("People can look around before they join")),
            Fact("has_in_person", YES_NO, _t("There are meetings in person")),
            Fact("device_need", WORDS, _t("Device that is needed")),
            Fact("data_need", ONE, _t("Mobile data"), choices=words.DATA_NEEDS),
        ),
    ),
    Group(
        "moderation",
        _t("Moderation"),
        (
            Fact("staffed_by", ONE, _t("Who answers"), choices=words.STAFFED_BY),
            Fact(
                "moderated_by",
                ONE,
                _t("Who moderates"),
                _t("Of several kinds, the one that takes responsibility."),
                words.MODERATED_BY,
            ),
            Fact("moderation_model", ONE, _t("How posts are looked at"), choices=words.MODELS),
            Fact(
                "moderator_hours",
                HOURS,
                _t("When moderators are there"),
                _t(
                    "For example 09:00-17:00, or 09:00-12:00, 19:00-21:00. Leave a day empty when nobody is there."
                ),
            ),
            Fact("time_zone", WORDS, _t("Time zone of these hours")),
            Fact(
                "first_response_minutes",
                NUMBER,
                _t("Usual minutes to a first answer"),
                _t("The median."),
            ),
            Fact(
                "first_response_p90_minutes",
                NUMBER,
                _t("Minutes in which nine of ten have an answer"),
            ),
            Fact("moderator_training", LONG, _t("How moderators are trained")),
            Fact("supervision", LONG, _t("How moderators are supervised")),
        ),
    ),
    Group(
        "safety",
        _t("When somebody is in danger"),
        (
            Fact("crisis_policy", LONG, _t("What is done when somebody is in danger")),
            Fact("escalation_role", WORDS, _t("Who is told"), _t("A role, not a name.")),
            Fact("self_harm_policy", LONG, _t("What is done about posts on self-harm")),
            Fact("misinformation_policy", LONG, _t("What is done about wrong advice")),
            Fact("under_age_policy", LONG, _t("What is done when a member is too young")),
            Fact("osa_assessed_on", DAY, _t("Last assessed under the Online Safety Act")),
        ),
    ),
    Group(
        "data",
        _t("Data and research"),
        (
            Fact("data_controller", WORDS, _t("Who answers for members’ data")),
            Fact(
                "data_country",
                WORDS,
                _t("Country where data is kept"),
                _t("Two letters, such as GB."),
            ),
            Fact("evidence_citation", LONG, _t("Research that it rests on")),
            Fact("evidence_on", DAY, _t("Date of that research")),
            Fact("fidelity_protocol", WORDS, _t("Protocol that it keeps to")),
        ),
    ),
)
FACTS = {fact.name: fact for group in GROUPS for fact in group.facts}


def in_words(name: str, value: Any) -> str:
    """The value of a fact in words; what is not stated is said to be so."""
    return _in_words(FACTS[name], value) or _("Not stated")


def _in_words(fact: Fact, value: Any) -> str:
    if value in (None, "", []):
        return ""
    if fact.choices:
        codes = value if isinstance(value, list) else [value]
        return ", ".join(str(fact.choices.get(code, code)) for code in codes)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if not isinstance(value, list):
        return str(value)
    return _of_list(fact, value)


def _of_list(fact: Fact, value: list[Any]) -> str:
    if fact.kind == HOURS:
        return hours_in_words(value)
    if fact.kind == CONDITIONS:
        return ", ".join(condition.label for condition in conditions_named(value))
    if fact.kind == AREAS:
        return ", ".join(area_names(value))
    return ", ".join(value)


def area_names(places: list[str]) -> list[str]:
    """Areas by name, in the order of their names."""
    found = areas().filter(place__in=places).order_by("name", "pk")
    return [area.name for area in found]
