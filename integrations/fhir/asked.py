"""What each entry of a batch or a transaction asks: one interaction, as a request of its own would."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from integrations.fhir import conditional, fields
from integrations.fhir.outcome import Finding, Refused, malformed, refusal, unprocessable
from integrations.fhir.systems import fhir_base
from referrals.intake import Identifier

# Which resource types there are for each method.
Takes = Mapping[str, Collection[str]]

_URL = re.compile(
    r"(?P<type>[A-Za-z]{1,64})"
    r"(?:/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/(?P<version>[0-9]{1,9}))?)?"
    r"(?:\?(?P<query>.*))?"
)
_WITH_RESOURCE = ("POST", "PUT")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One interaction. ``place`` is that of its entry, ``query`` the parameters of a search.

    ``condition`` is the identifier that what is created must be the first to bear, ``if_match`` the ETag
    that what is updated must still have; what is read is shown unless it has the ETag ``if_none_match`` or is no newer
    than ``if_modified_since``.
    """

    place: int
    method: str
    resource_type: str
    resource_id: str = ""
    version: int | None = None
    query: tuple[tuple[str, str], ...] = ()
    condition: Identifier | None = None
    if_match: str = ""
    if_none_match: str = ""
    if_modified_since: str = ""

    @property
    def address(self) -> str:
        """The resource that it is about, such as ``Patient/1``; only the type where there is no id."""
        return (
            f"{self.resource_type}/{self.resource_id}" if self.resource_id else self.resource_type
        )


def read(entry: dict[str, Any], place: int, *, takes: Takes, base_url: str) -> Asked:
    """What an entry asks. Raises Refused with the reason why it cannot be asked here."""
    request, at = fields.child(entry, "request"), f"Bundle.entry[{place}]"
    method = method_of(entry)
    found = _URL.fullmatch(fields.text(request, "url").removeprefix(f"{fhir_base(base_url)}/"))
    resource = fields.child(entry, "resource")
    if method == "POST" and fields.text(resource, "resourceType") not in takes.get("POST", ()):
        raise refusal([_not_created(takes, at)])
    if found is None or not _is_taken(method, found, takes):
        raise refusal([_not_taken(method, takes, at)])
    if method in _WITH_RESOURCE and (fault := _resource_fault(resource, found, at)):
        raise refusal([fault])
    return Asked(
        place=place,
        method=method,
        resource_type=found["type"],
        resource_id=found["id"] or "",
        version=int(found["version"]) if found["version"] else None,
        query=tuple(parse_qsl(found["query"] or "", keep_blank_values=True)),
        condition=_condition(request, found["type"], f"{at}.request.ifNoneExist"),
        if_match=fields.text(request, "ifMatch"),
        if_none_match=fields.text(request, "ifNoneMatch"),
        if_modified_since=fields.text(request, "ifModifiedSince"),
    )


def method_of(entry: dict[str, Any]) -> str:
    """The HTTP method that an entry asks for."""
    return fields.text(fields.child(entry, "request"), "method")


def _is_taken(method: str, found: re.Match[str], takes: Takes) -> bool:
    """Whether there is such an address for the method. Conditions in it are not served."""
    if found["type"] not in takes.get(method, ()):
        return False
    has_id, has_query = found["id"] is not None, found["query"] is not None
    if method == "GET":
        return not (has_id and has_query)
    return not has_query and not found["version"] and has_id == (method != "POST")


def _not_created(takes: Takes, at: str) -> Finding:
    text = (
        f"Entries of these types can be created: {', '.join(takes.get('POST', ()))}. Put other resources into"
        " ServiceRequest.contained, or refer to them by identifier."
    )
    return unprocessable("not-supported", text, f"{at}.resource")


def _not_taken(method: str, takes: Takes, at: str) -> Finding:
    what = method if method in ("HEAD", "PATCH") else "This"
    ways = "; ".join(f"{taken} {', '.join(types)}" for taken, types in takes.items() if types)
    text = (
        f"{what} is not served in an entry. These are: {ways}. The request.url of POST is the type, of PUT and DELETE the type"
        " and an id, of GET these, a version or a search; conditions in it are not served."
    )
    return unprocessable("not-supported", text, f"{at}.request")


def _resource_fault(resource: dict[str, Any], found: re.Match[str], at: str) -> Finding | None:
    if fields.text(resource, "resourceType") != found["type"]:
        text = "The entry needs a resource of the type that request.url names."
        return unprocessable("not-supported", text, f"{at}.request")
    if found["id"] and fields.text(resource, "id") != found["id"]:
        text = "The id of the resource must be there, and that of request.url."
        return malformed("invalid", text, f"{at}.resource.id")
    return None


def _condition(request: dict[str, Any], name: str, at: str) -> Identifier | None:
    if "ifNoneExist" not in request:
        return None
    try:
        return conditional.read(fields.text(request, "ifNoneExist"), resource_type=name)
    except conditional.ConditionNotServed as error:
        raise Refused(422, [unprocessable("not-supported", str(error), at)]) from None
