"""What a host may say of a community, where it chooses from a list. How it is moderated: ``communities.tiers``."""

from enum import StrEnum


class Kind(StrEnum):
    """What a community is: every form of online peer support that the literature behind this service names."""

    MODERATED_FORUM = "moderated_forum"
    HEALTH_SOCIAL_NETWORK = "dedicated_health_social_network"
    PROGRAMME_WITH_FORUM = "structured_programme_with_forum"
    MODERATED_SOCIAL_THERAPY = "moderated_social_therapy"
    ONE_TO_ONE = "one_to_one_peer_specialist"
    TEXT_ONLY = "text_only"
    PEER_LED_NETWORK = "peer_led_network"
    TIME_LIMITED_GROUP = "time_limited_group"
    LIFESTYLE_CHALLENGE = "lifestyle_challenge"
    GAMING_COMMUNITY = "gaming_community"
    VIRTUAL_WORLD = "virtual_world"
    AVATAR_PROGRAMME = "avatar_programme"
    PUBLIC_SOCIAL_GROUP = "public_social_group"
    AUTOMATED_COMPANION = "automated_companion"
    UNKNOWN = "unknown"


class Audience(StrEnum):
    """For whom a community is."""

    PATIENTS = "patients"
    CARERS = "carers"
    FAMILY = "family"
    YOUNG_PEOPLE = "young_people"
    BEREAVED = "bereaved"
    PROFESSIONALS = "professionals"


class Sex(StrEnum):
    """Whom a community takes, in FHIR's administrative genders."""

    ANY = "any"
    FEMALE = "female"
    MALE = "male"


class Readiness(StrEnum):
    """Whom a community suits by readiness to change: the stages of the transtheoretical model.

    Prochaska JO, DiClemente CC, Norcross JC. In search of how people change. Am Psychol 1992;47(9):1102-1114.
    """

    PRECONTEMPLATION = "precontemplation"
    CONTEMPLATION = "contemplation"
    PREPARATION = "preparation"
    ACTION = "action"
    MAINTENANCE = "maintenance"


class Accessibility(StrEnum):
    """Which needs a community meets: codes of our own, not compared with the coded flags of DAPB1605."""

    EASY_READ = "easy_read"
    SCREEN_READER = "screen_reader"
    CAPTIONS = "captions"
    SIGN_LANGUAGE = "sign_language"
    TEXT_ONLY = "text_only"
    LOW_DATA = "low_data"


class Format(StrEnum):
    """How members meet."""

    FORUM = "forum"
    SCHEDULED_CHAT = "scheduled_chat"
    VIDEO_MEETING = "video_meeting"
    ONE_TO_ONE = "one_to_one"
    SOCIAL_GROUP = "social_group"
    IN_PERSON = "in_person"
    MIXED = "mixed"
    UNKNOWN = "unknown"


class State(StrEnum):
    """Whether a community can be joined online from the United Kingdom."""

    OPEN = "open"
    MAY_BE_CLOSED = "may_be_closed"
    OUTSIDE_UK = "outside_uk"
    IN_PERSON_ONLY = "in_person_only"
    NOT_NAMED = "not_named"


class Access(StrEnum):
    """How somebody becomes a member."""

    SELF_REGISTER = "self_register"
    MEMBERSHIP = "membership"
    PROGRAMME = "programme"
    COMMISSIONED = "commissioned"
    UNKNOWN = "unknown"


class Anonymity(StrEnum):
    """Under which name members write."""

    PSEUDONYM_ALLOWED = "pseudonym_allowed"
    REAL_NAME = "real_name"
    UNKNOWN = "unknown"


class DataNeed(StrEnum):
    """How much mobile data taking part uses: text, text with pictures, sound and video."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    UNKNOWN = "unknown"


class StaffedBy(StrEnum):
    """Whether members meet people, software, or both."""

    PEOPLE = "people"
    SOFTWARE = "software"
    BOTH = "both"
    UNKNOWN = "unknown"
