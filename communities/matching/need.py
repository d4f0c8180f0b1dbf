"""What is known of a person that matters to the choice, and what may be asked for: no name, no day, no address."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from communities.value_sets import Accessibility, Readiness

CARER = "carer"  # the key of communities for carers of any kind


class Preference(StrEnum):
    """What a referral may say of the person beside condition, age, sex, language and place: codes of our own."""

    CARER = "carer"
    KNOWN_RISK = "known_risk"
    ANONYMOUS = "anonymous"
    NOT_NEAR_ME = "not_near_me"
    NIGHTS = "nights"
    EVENINGS = "evenings"
    WEEKENDS = "weekends"
    EASY_READ = "easy_read"
    SCREEN_READER = "screen_reader"
    CAPTIONS = "captions"
    SIGN_LANGUAGE = "sign_language"
    TEXT_ONLY = "text_only"
    LOW_DATA = "low_data"
    PRECONTEMPLATION = "precontemplation"
    CONTEMPLATION = "contemplation"
    PREPARATION = "preparation"
    ACTION = "action"
    MAINTENANCE = "maintenance"


HOURS = frozenset({Preference.NIGHTS, Preference.EVENINGS, Preference.WEEKENDS})
ACCESS = frozenset(Preference(key.value) for key in Accessibility)
STAGES = frozenset(Preference(stage.value) for stage in Readiness)  # a person is at one
MEANINGS: Mapping[Preference, str] = {
    Preference.CARER: "Looks after somebody with the condition",
    Preference.KNOWN_RISK: "A risk is known, and there is no acute one: moderators every day, of tier A or B",
    Preference.ANONYMOUS: "Does not want to appear under the real name",
    Preference.NOT_NEAR_ME: "Wants to meet people from elsewhere",
    Preference.NIGHTS: "Looks for company at night",
    Preference.EVENINGS: "Looks for company on weekday evenings",
    Preference.WEEKENDS: "Looks for company at weekends",
    Preference.EASY_READ: "Needs Easy Read",
    Preference.SCREEN_READER: "Uses a screen reader",
    Preference.CAPTIONS: "Needs captions",
    Preference.SIGN_LANGUAGE: "Uses sign language",
    Preference.TEXT_ONLY: "Can take part in writing only",
    Preference.LOW_DATA: "Has little mobile data",
    Preference.PRECONTEMPLATION: "Stage of change: not thinking of it yet",
    Preference.CONTEMPLATION: "Stage of change: thinking of it",
    Preference.PREPARATION: "Stage of change: getting ready",
    Preference.ACTION: "Stage of change: doing it",
    Preference.MAINTENANCE: "Stage of change: keeping it up",
}


@dataclass(frozen=True, kw_only=True)
class Need:
    """What is known of the person that matters to the choice, and nothing else.

    ``broader_keys`` are the keys of more general communities that also serve these conditions. ``is_carer``: the
    referral is about caring, and the conditions are those of the person cared for. Someone with a condition of their
    own who is also a carer has ``carer`` among the keys. ``sex`` is a FHIR administrative-gender code or empty;
    ``languages`` are tags such as ``bn``. ``latitude`` and ``longitude`` are degrees, no finer than about a kilometre.
    ``access_needs`` and ``hours`` are codes of ACCESS and HOURS, ``stage`` one of STAGES or empty.
    """

    condition_keys: frozenset[str]
    broader_keys: frozenset[str] = frozenset()
    age: int | None = None
    sex: str = ""
    languages: tuple[str, ...] = ()
    is_carer: bool = False
    icb_ods: str = ""
    lad_code: str = ""
    nation: str = ""
    practice_ods: str = ""
    latitude: float | None = None
    longitude: float | None = None
    access_needs: frozenset[str] = frozenset()
    hours: frozenset[str] = frozenset()
    stage: str = ""
    is_anonymous: bool = False
    is_elsewhere: bool = False
    is_at_risk: bool = False

    @property
    def exact_keys(self) -> frozenset[str]:
        """The keys of communities for exactly this; a carer looks for the condition cared for."""
        if not self.is_carer:
            return self.condition_keys
        return self.condition_keys - {CARER} or frozenset({CARER})

    @property
    def general_keys(self) -> frozenset[str]:
        """The keys of more general communities that serve this too."""
        return self.broader_keys | {CARER} if self.is_carer else self.broader_keys

    @property
    def places(self) -> frozenset[str]:
        """Every place the person is in, written as in ``Candidate.coverage``."""
        named = {
            "nation": self.nation,
            "icb": self.icb_ods,
            "lad": self.lad_code,
            "practice": self.practice_ods,
        }
        return frozenset({"nation:UK"} | {f"{kind}:{code}" for kind, code in named.items() if code})
