"""Reasons in words for patients: one sentence each, in the language that is active."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from communities.matching.need import Preference
from communities.matching.rules import Reason
from communities.tiers import Cover, ModeratedBy, SearchVisibility


def sentence(reason: Reason, people: Mapping[str, str]) -> str:
    """The reason in words for the patient.

    ``people`` gives each condition key its phrase, such as "people living with depression".
    """
    words = _SENTENCES.get((reason.code, reason.fact)) or _SENTENCES[reason.code, ""]
    return str(words) % {"fact": people.get(reason.fact, reason.fact)}


_FOR = {
    ("condition", ""): _("For %(fact)s"),
    ("carers_welcome", ""): _("Welcomes people who look after someone"),
    ("place", ""): _("For people in your area"),
    ("place", "circle"): _("For people who live not far from it"),
    ("place", "practice"): _("For patients of your GP practice"),
    ("place", "nation:UK"): _("Open to people anywhere in the UK"),
    ("place", "nation:England"): _("Open to people anywhere in England"),
    ("place", "nation:Scotland"): _("Open to people anywhere in Scotland"),
    ("place", "nation:Wales"): _("Open to people anywhere in Wales"),
    ("place", "nation:Northern Ireland"): _("Open to people anywhere in Northern Ireland"),
    ("moderated_by", ModeratedBy.PROFESSIONAL): _("Moderated by professionals"),
    ("moderated_by", ModeratedBy.STAFF): _("Moderated by its own staff"),
    ("moderated_by", ModeratedBy.TRAINED_VOLUNTEER): _("Moderated by trained volunteers"),
    ("moderated_by", ModeratedBy.PEER): _("Moderated by volunteers or members"),
    ("moderated_by", ModeratedBy.UNSPECIFIED): _("Has moderators"),
    ("cover", Cover.ALL_HOURS): _("Moderators are there day and night"),
    ("cover", Cover.DAILY): _("Moderators are there every day"),
    ("cover", Cover.WEEKDAYS): _("Moderators are there on weekdays"),
    ("cover", Cover.SESSIONS): _("Moderators are there during each session"),
    ("anonymity", "pseudonym_allowed"): _("You can use a made-up name"),
    ("visibility", SearchVisibility.MEMBERS_ONLY): _("Only members can read what you write"),
    ("language", "shared"): _("In a language you speak"),
    ("meets", Preference.EASY_READ): _("Has Easy Read"),
    ("meets", Preference.SCREEN_READER): _("Works with a screen reader"),
    ("meets", Preference.CAPTIONS): _("Has captions"),
    ("meets", Preference.SIGN_LANGUAGE): _("You can use sign language"),
    ("meets", Preference.TEXT_ONLY): _("You can take part in writing only"),
    ("meets", Preference.LOW_DATA): _("Needs little mobile data"),
    ("hours", Preference.NIGHTS): _("Moderators are there at night"),
    ("hours", Preference.EVENINGS): _("Moderators are there in the evening"),
    ("hours", Preference.WEEKENDS): _("Moderators are there at weekends"),
    ("stage", ""): _("For people who are where you are now"),
    ("look_first", ""): _("You can look around before you join"),
}
_WORTH_KNOWING = {
    ("waiting_list", ""): _("It is full now. You can go on its waiting list"),
    ("assessment", ""): _("They will talk with you first to see if it is right for you"),
    ("cover", Cover.UNKNOWN): _("We do not know at what times moderators are there"),
    ("anonymity", "real_name"): _("You use your real name"),
    ("anonymity", "unknown"): _("We do not know whether you can use a made-up name"),
    ("visibility", SearchVisibility.PUBLIC): _("Anyone on the internet can read what you write"),
    ("visibility", SearchVisibility.UNKNOWN): _("We do not know who can read what you write"),
    ("membership", ""): _("You may have to become a member first"),
    ("partly_automated", ""): _("A computer writes some of the answers"),
    ("language", "other"): _("Not in a language you named"),
    ("may_not_meet", Preference.EASY_READ): _("We do not know whether it has Easy Read"),
    ("may_not_meet", Preference.SCREEN_READER): _(
        "We do not know whether it works with a screen reader"
    ),
    ("may_not_meet", Preference.CAPTIONS): _("We do not know whether it has captions"),
    ("may_not_meet", Preference.SIGN_LANGUAGE): _(
        "We do not know whether you can use sign language"
    ),
    ("may_not_meet", Preference.TEXT_ONLY): _(
        "We do not know whether you can take part in writing only"
    ),
    ("may_not_meet", Preference.LOW_DATA): _("We do not know how much mobile data it needs"),
    ("nobody_then", Preference.NIGHTS): _("There may be no moderator at night"),
    ("nobody_then", Preference.EVENINGS): _("There may be no moderator in the evening"),
    ("nobody_then", Preference.WEEKENDS): _("There may be no moderator at weekends"),
    ("stage_matters", ""): _("Meant for people at some stages of a change only"),
}
_AGAINST = {
    ("other_condition", ""): _("For people with other conditions"),
    ("self_harm_policy_not_stated", ""): _("We do not know what it does about self-harm"),
    ("not_for_under_18", ""): _("Under 18 we ask for more moderation, or for one for young people"),
    ("age_not_known", ""): _("We do not know your age"),
    ("ages_not_stated", ""): _("For young people, but the ages are not stated"),
    ("adults_only", ""): _("The lowest age is not stated, so we only suggest it to adults"),
    ("too_young", ""): _("For people aged %(fact)s or over"),
    ("too_old", ""): _("For people aged %(fact)s or under"),
    ("not_for_carers", ""): _("Not for people who look after someone"),
    ("carers_only", ""): _("Only for people who look after someone"),
    ("one_sex_only", "female"): _("For women only"),
    ("one_sex_only", "male"): _("For men only"),
    ("areas_not_recorded", ""): _("Paid for in some areas only, and we do not know which"),
    ("no_area_recorded", ""): _("We do not know which area it serves"),
    ("other_area", ""): _("For people in another area"),
    ("neighbours_only", ""): _("Only for people who live near you"),
    ("signpost_only", ""): _("An open group without the moderation that we ask for"),
    ("moderation_not_known", ""): _("We do not know whether anyone moderates it"),
    ("tier_too_low_for_risk", ""): _("Where a risk is known we ask for more moderation"),
    ("cover_too_thin_for_risk", ""): _("Where a risk is known we ask for moderators every day"),
    ("real_name_needed", ""): _("You would have to use your real name"),
    ("other_stage", ""): _("For people at another stage of a change"),
    ("outside_uk", ""): _("Run from outside the UK"),
    ("may_be_closed", ""): _("It may have closed"),
    ("in_person_only", ""): _("It meets in person only"),
    ("not_named", ""): _("We do not know its name"),
    ("automated", ""): _("You would talk to a computer, not a person"),
    ("programme_only", ""): _("Only for people who have finished the host's programme"),
    ("no_address", ""): _("We do not know its web address"),
    ("full", ""): _("It is full"),
}
_SENTENCES = {**_FOR, **_WORTH_KNOWING, **_AGAINST}
REASON_CODES = tuple(dict.fromkeys(code for code, _fact in _SENTENCES))
