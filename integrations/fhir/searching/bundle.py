"""Answers of several resources: the searchset and the history Bundle."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from integrations.fhir.outcome import operation_outcome
from integrations.fhir.rendering import etag, instant
from integrations.fhir.searching.query import CURSOR, Search
from integrations.fhir.searching.running import Found, Page

Links = Mapping[str, str]


def searchset(
    search: Search,
    page: Page,
    resources: Mapping[tuple[str, str], dict[str, Any]],
    *,
    base: str,
    path: str,
) -> dict[str, Any]:
    """The Bundle of a page. ``resources`` are those of its rows by type and id; ``path`` is where the search lives."""
    bundle = _bundle("searchset", search, page, f"{base}/{path}")
    entries = [_entry(one, resources, base, "match") for one in page.found]
    entries += [_entry(one, resources, base, "include") for one in page.included]
    if search.warnings:
        outcome = operation_outcome(search.warnings)
        entries.append({"resource": outcome, "search": {"mode": "outcome"}})
    if entries:
        bundle["entry"] = entries
    return bundle


def history(
    search: Search, page: Page, resources: Sequence[dict[str, Any] | None], *, base: str, path: str
) -> dict[str, Any]:
    """The versions of a page, the newest first, each with what was done and how it was answered.

    In the place of a deletion ``resources`` holds None.
    """
    bundle = _bundle("history", search, page, f"{base}/{path}")
    entries = [
        _version(found, resource, base)
        for found, resource in zip(page.found, resources, strict=True)
    ]
    if entries:
        bundle["entry"] = entries
    return bundle


def _bundle(kind: str, search: Search, page: Page, place: str) -> dict[str, Any]:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    if page.total is not None and search.total != "none":
        bundle["total"] = page.total
    cursors = {"self": search.cursor, "next": page.following, "previous": page.preceding}
    bundle["link"] = [
        {"relation": relation, "url": _address(place, search, cursor)}
        for relation, cursor in cursors.items()
        if cursor or relation == "self"
    ]
    return bundle


def _address(place: str, search: Search, cursor: str) -> str:
    parameters = [*search.used, *([(CURSOR, cursor)] if cursor else [])]
    return f"{place}?{urlencode(parameters)}" if parameters else place


def _entry(
    found: Found, resources: Mapping[tuple[str, str], dict[str, Any]], base: str, mode: str
) -> dict[str, Any]:
    kind, name = found.name
    return {
        "fullUrl": f"{base}/{kind}/{name}",
        "resource": resources[kind, name],
        "search": {"mode": mode},
    }


def _version(found: Found, resource: dict[str, Any] | None, base: str) -> dict[str, Any]:
    kind, name = found.name
    version = found.source.version_of(found.row)
    method, status = ("PUT", "200 OK") if resource else ("DELETE", "204 No Content")
    if version == 1:
        method, status = "POST", "201 Created"
    return {
        "fullUrl": f"{base}/{kind}/{name}",
        **({"resource": resource} if resource else {}),
        "request": {
            "method": method,
            "url": kind if method == "POST" else f"{kind}/{name}",
        },
        "response": {
            "status": status,
            "etag": etag(version),
            "lastModified": instant(found.source.moment_of(found.row)),
        },
    }
