"""What came with a request: the resource, checked, and the headers that say how it is to be taken."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from accounts.actors import Actor
from accounts.scopes import Interaction
from api.permissions import require
from integrations.fhir import checking, wire
from integrations.fhir.outcome import Finding, Refused, malformed, refusal
from referrals.intake import Identifier, NewPatient, NewReferral
from referrals.lifecycle import MoveNotAllowed

JSON = ("application/fhir+json", "application/json")
FHIR_VERSION = "4.0"
JSON_PATCH = ("application/json-patch+json",)
_ETAG = re.compile(r'(?:W/)?"(?P<version>[0-9]{1,9})"')


Content = TypeVar("Content")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A resource that somebody sends, with whoever sends it and when; as it came, so to be taken with ``accept``.

    ``condition`` is the identifier that a new resource must be the first to bear; ``expected_version`` the version that
    an amended one must still have. ``is_patched``: it is what was read, with changes made to it here. ``warnings`` are
    what was tolerated in it.
    """

    resource_type: str
    resource: dict[str, Any]
    by: Actor
    at: datetime
    condition: Identifier | None = None
    expected_version: int | None = None
    is_patched: bool = False
    warnings: list[Finding] = field(default_factory=list)

    def accept(self, read: Callable[[dict[str, Any]], Content]) -> Content:
        """What ``read`` makes of the resource. Raises Refused with every fault, of R4 and of the reading."""
        accepted = checking.accept(
            self.resource,
            resource_type=self.resource_type,
            read=read,
            base_url=settings.PUBLIC_BASE_URL,
            is_strict=self.by.is_strict,
        )
        self.warnings.extend(accepted.warnings)
        return accepted.content


def media_type_of(request: Request, wanted: tuple[str, ...]) -> str:
    """The media type of the body. Raises UnsupportedMediaType for any but those wanted, in UTF-8 and of R4."""
    media_type, parameters = parse_header_parameters(request.content_type or "")
    if media_type not in wanted:
        raise UnsupportedMediaType(
            media_type or "none", f"Send {wanted[0]} as Content-Type; XML is not read."
        )
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(media_type, "Send the body in UTF-8: no other charset is read.")
    if is_of_another_version(parameters):
        text = f"Send FHIR R4 (fhirVersion={FHIR_VERSION}): no other version is read."
        raise UnsupportedMediaType(media_type, text)
    return media_type


def is_of_another_version(parameters: Mapping[str, str]) -> bool:
    """Whether the parameters of a media type name another FHIR version than R4 (R4 http, MIME-type parameter)."""
    return parameters.get("fhirversion", FHIR_VERSION) != FHIR_VERSION


def resource_of(request: Request) -> dict[str, Any]:
    """The resource in the body, as it came. Raises Refused for what is no JSON object."""
    media_type_of(request, JSON)
    return wire.parse(request.body)


def sound_resource_of(request: Request, resource_type: str) -> dict[str, Any]:
    """The resource in the body, if it is sound R4. Raises Refused with every fault."""
    resource = resource_of(request)
    findings = checking.check(resource, resource_type=resource_type)
    if checking.has_errors(findings):
        raise refusal(findings)
    return resource


@contextmanager
def naming_status(resource_type: str) -> Iterator[None]:
    """Let a move that is not allowed name the status that asked for it."""
    try:
        yield
    except MoveNotAllowed as error:
        error.element = f"{resource_type}.status"
        raise


def require_subject(new: NewReferral, *, by: Actor) -> None:
    """Refuse a referral that brings a Patient along unless the token covers creating one. Raises PermissionDenied."""
    if isinstance(new.subject, NewPatient):
        require(by, ("Patient", Interaction.CREATE))


def refuse_condition(headers: Mapping[str, str]) -> None:
    """Refuse If-None-Exist where nothing reads it, rather than create what its sender did not want."""
    if "If-None-Exist" in headers:
        text = "If-None-Exist is not read here. In a transaction it stands in entry.request.ifNoneExist."
        raise Refused(400, [malformed("not-supported", text)])


def expected_version(header: str | None) -> int | None:
    """The version that If-Match names, or None without one. Raises Refused for what is no ETag of ours."""
    if header is None:
        return None
    found = _ETAG.fullmatch(header.strip())
    if found is None:
        text = 'If-Match names one version as its ETag does: W/"3".'
        raise Refused(400, [malformed("value", text)])
    return int(found["version"])
