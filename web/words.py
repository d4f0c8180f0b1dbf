"""The codes of the directory in plain words: for the public pages, the host's form and the reviewers."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from communities.models import ListingReason
from communities.tiers import Cover, Evidence, ModeratedBy, ModerationModel, SearchVisibility, Tier
from communities.value_sets import (
    Access,
    Accessibility,
    Anonymity,
    Audience,
    DataNeed,
    Format,
    Kind,
    Readiness,
    Sex,
    StaffedBy,
    State,
)

Words = dict[str, str | Promise]

TIERS: Words = {
    Tier.A: _("Professionals, day and night"),
    Tier.B: _("Trained people, every day"),
    Tier.C: _("Somebody moderates"),
    Tier.D: _("Signpost only"),
    Tier.U: _("Moderation not known"),
}
TIERS_AT_LENGTH: Words = {
    Tier.A: _(
        "Professionals moderate day and night. They are supervised and look at every post."
        " There is a written plan for when somebody is in danger."
    ),
    Tier.B: _(
        "Trained people moderate every day at hours that are published."
        " There is a written plan for when somebody is in danger."
    ),
    Tier.C: _("Somebody moderates, and a named organisation answers for it."),
    Tier.D: _(
        "It is open to the public without the moderation that we ask for, or no organisation"
        " answers for it. Nobody is referred there. It is listed so that you know of it."
    ),
    Tier.U: _("We do not know whether anybody moderates. Nobody is referred there."),
}
COVERS: Words = {
    Cover.ALL_HOURS: _("Day and night"),
    Cover.DAILY: _("Every day"),
    Cover.WEEKDAYS: _("On weekdays"),
    Cover.SESSIONS: _("During its sessions"),
    Cover.UNKNOWN: _("Not known"),
}
AUDIENCES: Words = {
    Audience.PATIENTS: _("People who have the condition"),
    Audience.CARERS: _("People who look after someone"),
    Audience.FAMILY: _("Families and friends"),
    Audience.YOUNG_PEOPLE: _("Young people"),
    Audience.BEREAVED: _("People whose close one has died"),
    Audience.PROFESSIONALS: _("Professionals"),
}
MODERATED_BY: Words = {
    ModeratedBy.PROFESSIONAL: _("Professionals"),
    ModeratedBy.STAFF: _("Its own staff"),
    ModeratedBy.TRAINED_VOLUNTEER: _("Trained volunteers"),
    ModeratedBy.PEER: _("Volunteers or members, whose training is not stated"),
    ModeratedBy.UNSPECIFIED: _("Moderators: who they are is not stated"),
    ModeratedBy.NOBODY: _("Nobody"),
    ModeratedBy.UNKNOWN: _("Not known"),
}
MODELS: Words = {
    ModerationModel.PRE: _("Every post is looked at before it appears"),
    ModerationModel.POST: _("Every post is looked at soon after it appears"),
    ModerationModel.REACTIVE: _("Posts are looked at when somebody reports them"),
    ModerationModel.MIXED: _("Some posts are looked at before they appear, others after"),
    ModerationModel.UNKNOWN: _("Not known"),
}
VISIBILITIES: Words = {
    SearchVisibility.MEMBERS_ONLY: _("Only members can read what you write"),
    SearchVisibility.PUBLIC: _("Anyone on the internet can read what you write"),
    SearchVisibility.UNKNOWN: _("Not known"),
}
ANONYMITIES: Words = {
    Anonymity.PSEUDONYM_ALLOWED: _("You can use a made-up name"),
    Anonymity.REAL_NAME: _("You use your real name"),
    Anonymity.UNKNOWN: _("Not known"),
}
ACCESSES: Words = {
    Access.SELF_REGISTER: _("You sign up on its website"),
    Access.MEMBERSHIP: _("You become a member of the organisation first"),
    Access.PROGRAMME: _("It is for people who have finished the organisation’s programme"),
    Access.COMMISSIONED: _("It is paid for in some areas only"),
    Access.UNKNOWN: _("Not known"),
}
STAFFED_BY: Words = {
    StaffedBy.PEOPLE: _("People"),
    StaffedBy.SOFTWARE: _("Software, not people"),
    StaffedBy.BOTH: _("People, and software for some of the answers"),
    StaffedBy.UNKNOWN: _("Not known"),
}
FORMATS: Words = {
    Format.FORUM: _("A forum"),
    Format.SCHEDULED_CHAT: _("Chats at set times"),
    Format.VIDEO_MEETING: _("Video meetings"),
    Format.ONE_TO_ONE: _("One to one"),
    Format.SOCIAL_GROUP: _("A group on a social network"),
    Format.IN_PERSON: _("In person"),
    Format.MIXED: _("Several ways"),
    Format.UNKNOWN: _("Not known"),
}
KINDS: Words = {
    Kind.MODERATED_FORUM: _("Moderated forum"),
    Kind.HEALTH_SOCIAL_NETWORK: _("Social network about health"),
    Kind.PROGRAMME_WITH_FORUM: _("Programme with a forum"),
    Kind.MODERATED_SOCIAL_THERAPY: _("Moderated online social therapy"),
    Kind.ONE_TO_ONE: _("One-to-one peer support"),
    Kind.TEXT_ONLY: _("Support by text only"),
    Kind.PEER_LED_NETWORK: _("Network led by its members"),
    Kind.TIME_LIMITED_GROUP: _("Group for a limited time"),
    Kind.LIFESTYLE_CHALLENGE: _("Lifestyle challenge"),
    Kind.GAMING_COMMUNITY: _("Gaming community"),
    Kind.VIRTUAL_WORLD: _("Virtual world"),
    Kind.AVATAR_PROGRAMME: _("Programme with avatars"),
    Kind.PUBLIC_SOCIAL_GROUP: _("Public group on a social network"),
    Kind.AUTOMATED_COMPANION: _("Automated companion"),
    Kind.UNKNOWN: _("Not known"),
}
STATES: Words = {
    State.OPEN: _("Open to new members"),
    State.MAY_BE_CLOSED: _("It may have closed"),
    State.OUTSIDE_UK: _("Run from outside the UK"),
    State.IN_PERSON_ONLY: _("It meets in person only"),
    State.NOT_NAMED: _("Its name is not known"),
}
SEXES: Words = {
    Sex.ANY: _("Everybody"),
    Sex.FEMALE: _("Women only"),
    Sex.MALE: _("Men only"),
}
DATA_NEEDS: Words = {
    DataNeed.LOW: _("Little: text"),
    DataNeed.MEDIUM: _("Some: pictures"),
    DataNeed.HIGH: _("Much: sound or video"),
    DataNeed.UNKNOWN: _("Not known"),
}
ACCESSIBILITIES: Words = {
    Accessibility.EASY_READ: _("Easy Read"),
    Accessibility.SCREEN_READER: _("Works with a screen reader"),
    Accessibility.CAPTIONS: _("Captions"),
    Accessibility.SIGN_LANGUAGE: _("Sign language"),
    Accessibility.TEXT_ONLY: _("Taking part in writing only"),
    Accessibility.LOW_DATA: _("Little mobile data"),
}
READINESS: Words = {
    Readiness.PRECONTEMPLATION: _("Not thinking of a change"),
    Readiness.CONTEMPLATION: _("Thinking of a change"),
    Readiness.PREPARATION: _("Preparing for a change"),
    Readiness.ACTION: _("Making a change"),
    Readiness.MAINTENANCE: _("Keeping to a change"),
}
EVIDENCE: Words = {
    Evidence.HOST: _("a named organisation that answers for it"),
    Evidence.MODERATORS: _("who moderates it"),
    Evidence.CURRENT_REVIEW: _("a review that is not overdue"),
    Evidence.NOT_PUBLIC_GROUP: _("a place that is not a public group on a social network"),
    Evidence.TRAINED_MODERATORS: _("how the moderators are trained"),
    Evidence.DAILY_COVER: _("moderators every day"),
    Evidence.PUBLISHED_HOURS: _("at what hours moderators are there"),
    Evidence.FIRST_RESPONSE: _("how long a first answer usually takes"),
    Evidence.CRISIS_POLICY: _("what is done when somebody is in danger"),
    Evidence.MEMBERS_ONLY: _("that only members can read what is written"),
    Evidence.PROFESSIONALS: _("professional moderators"),
    Evidence.ALL_HOURS: _("moderators day and night"),
    Evidence.EVERY_POST: _("that every post is looked at, before or soon after it appears"),
    Evidence.ESCALATION_ROLE: _("who is told when somebody is in danger"),
    Evidence.SUPERVISION: _("how the moderators are supervised"),
}
CONDITION_GROUPS: Words = {
    "addiction": _("Alcohol, drugs and gambling"),
    "lifestyle": _("Healthy living"),
    "long-term": _("Long-term conditions"),
    "mental-health": _("Mental health"),
    "neurodevelopmental": _("Autism, ADHD and learning disability"),
    "safety": _("Self-harm"),
    "social": _("Life and loss"),
    "womens-health": _("Women’s health"),
}
LISTING_REASONS: Words = {
    ListingReason.HOST_ASKED: _("The host asked for it"),
    ListingReason.SAFETY_CONCERN: _("There is a safety concern"),
    ListingReason.MODERATION_LAPSED: _("Moderation has lapsed"),
    ListingReason.FACTS_IN_DOUBT: _("The facts are in doubt"),
}
LANGUAGES: Words = {
    "en": _("English"),
    "ar": _("Arabic"),
    "bn": _("Bengali"),
    "cy": _("Welsh"),
    "fr": _("French"),
    "gu": _("Gujarati"),
    "pa": _("Punjabi"),
    "pl": _("Polish"),
    "pt": _("Portuguese"),
    "ro": _("Romanian"),
    "so": _("Somali"),
    "ta": _("Tamil"),
    "tr": _("Turkish"),
    "ur": _("Urdu"),
    "zh": _("Chinese"),
}


def language(tag: str) -> str:
    """A language by its tag, which stands for itself where we have no name for it."""
    return str(LANGUAGES.get(tag.partition("-")[0].lower(), tag))
