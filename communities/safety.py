"""The one source of crisis contacts and urgent wording shown to people.

No template, message, page or answer writes a crisis number of its own: it asks this module, so that
one review covers them all. The facts are unreviewed: see docs/safety/texts.md before going live.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise
Channel = Literal["phone", "text", "web"]
Country = Literal["UK", "GB", "England", "England and Wales"]

REVIEWED_ON: Final[dt.date | None] = None
REVIEW_BY: Final = dt.date(2027, 2, 28)
REVIEW_NOTE: Final[Text] = _("not yet checked by a named clinician")

_WHERE: Final[dict[Country, Text]] = {
    "UK": "",
    "GB": _("England, Scotland and Wales"),
    "England": _("England only"),
    "England and Wales": _("England and Wales only"),
}
_SCHEME: Final[dict[Channel, str]] = {"phone": "tel:", "text": "sms:", "web": ""}


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One place to turn to. Empty text means that the source does not say."""

    key: str
    label: Text
    channel: Channel
    value: str
    when: Text
    audience: Text
    country: Country
    source: str
    then: Text = ""
    availability: Text = ""

    @property
    def href(self) -> str:
        """What a phone or browser opens: digits only for calls and texts."""
        return _SCHEME[self.channel] + self.value.replace(" ", "")

    @property
    def where(self) -> Text:
        """The part of the UK it serves; empty when it serves all of it."""
        return _WHERE[self.country]

    @property
    def shown(self) -> str:
        """The number or address as people read it."""
        return self.value.removeprefix("https://")


EMERGENCY: Final = Contact(
    key="999",
    label=_("Emergency services"),
    channel="phone",
    value="999",
    then=_("or go to A&E"),
    when=_("Life is at risk, or someone has been seriously harmed"),
    availability=_("Any time, day or night"),
    audience=_("Everyone"),
    country="UK",
    source="https://www.norwoodmc.co.uk/2024/08/14/nhs-111-option-2-for-crisis-mental-health-support/",
)
NHS_111: Final = Contact(
    key="nhs111-2",
    label=_("NHS 111 mental health option"),
    channel="phone",
    value="111",
    then=_("and select option 2, mental health"),
    when=_("You need urgent help with your mental health"),
    availability=_("Any time, day or night"),
    audience=_("All ages"),
    country="England",
    source="https://www.pendeensurgery.nhs.uk/health-information/urgent-mental-health-support-and-mental-health-and-wellness",
)
NHS_111_ONLINE: Final = Contact(
    key="nhs111-online",
    label=_("NHS 111 online"),
    channel="web",
    value="https://111.nhs.uk",
    when=_("You cannot use the phone"),
    audience=_("Everyone"),
    country="England",
    source="https://shsc.nhs.uk/news/call-nhs-111-if-you-are-experiencing-mental-health-crisis",
)
SAMARITANS: Final = Contact(
    key="samaritans",
    label=_("Samaritans"),
    channel="phone",
    value="116 123",
    when=_("You want someone to talk to"),
    availability=_("Free, any time, day or night"),
    audience=_("Everyone"),
    country="UK",
    source="https://forum.diabetes.org.uk/boards/help/user-guidelines",
)
SHOUT: Final = Contact(
    key="shout",
    label=_("Shout"),
    channel="text",
    value="85258",
    when=_("You would rather text than talk"),
    availability=_("Any time, day or night"),
    audience=_("Everyone"),
    country="UK",
    source="https://sidebyside.mind.org.uk/staying-well-online",
)
CHILDLINE: Final = Contact(
    key="childline",
    label=_("Childline"),
    channel="phone",
    value="0800 1111",
    when=_("You are a child or young person"),
    audience=_("Under 19"),
    country="UK",
    source="https://www.norwoodmc.co.uk/2024/08/14/nhs-111-option-2-for-crisis-mental-health-support/",
)
PAPYRUS: Final = Contact(
    key="papyrus",
    label=_("Papyrus HOPELINE"),
    channel="phone",
    value="0800 068 4141",
    when=_("You are a young person thinking about suicide"),
    audience=_("Under 35"),
    country="UK",
    source="https://www.kickstherapy.com/blog/mental-health-crisis-resources-uk",
)
MIND: Final = Contact(
    key="mind-infoline",
    label=_("Mind infoline"),
    channel="phone",
    value="0300 123 3393",
    when=_("You want information about mental health. Not for a crisis"),
    availability=_("Monday to Friday, 9am to 6pm"),
    audience=_("Everyone"),
    country="England and Wales",
    source="a secondary page only: confirm with the operator",
)
GAMBLING: Final = Contact(
    key="gambling",
    label=_("National Gambling Helpline"),
    channel="phone",
    value="0808 8020 133",
    when=_("Gambling is causing harm"),
    audience=_("Everyone"),
    country="GB",
    source="https://community.gamcare.org.uk/guidelines/",
)


@dataclass(frozen=True)
class Group:
    """Contacts shown together under one heading."""

    heading: Text
    contacts: tuple[Contact, ...]


@dataclass(frozen=True)
class SafetyTexts:
    """Everything a page needs in order to point somebody to help, without a database."""

    heading: Text
    urgent: tuple[Contact, ...]
    not_watched: Text
    nations: Text
    groups: tuple[Group, ...]
    reviewed_on: dt.date | None
    review_note: Text

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """Every contact once, most urgent first."""
        return tuple(contact for group in self.groups for contact in group.contacts)


TEXTS: Final = SafetyTexts(
    heading=_("If you need help now"),
    urgent=(EMERGENCY, NHS_111, SAMARITANS, SHOUT),
    not_watched=_("Peer support is not for emergencies. Nobody is watching this page."),
    nations=_("Contacts marked “England only” may not work the same way in other parts of the UK."),
    groups=(
        Group(_("Urgent help"), (EMERGENCY, NHS_111, NHS_111_ONLINE)),
        Group(_("Someone to talk to"), (SAMARITANS, SHOUT)),
        Group(_("For young people"), (CHILDLINE, PAPYRUS)),
        Group(_("Other help, not for a crisis"), (MIND, GAMBLING)),
    ),
    reviewed_on=REVIEWED_ON,
    review_note=REVIEW_NOTE,
)


def crisis_route() -> str:
    """The urgent contacts in one line, for an answer that has no page."""
    return " ".join(f"{each.when}: {_where_to(each)}." for each in TEXTS.urgent)


def _where_to(contact: Contact) -> str:
    parts = f"{contact.label} {contact.shown}", contact.then, contact.where
    return ", ".join(str(part) for part in parts if part)
