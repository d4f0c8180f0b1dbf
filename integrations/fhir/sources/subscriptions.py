"""Subscription: as its client sent it, and as the server changed its status, at every version."""

from dataclasses import replace
from typing import Any

from integrations.fhir.searching.reads import Codes, Ids
from integrations.fhir.searching.source import Row, Source
from integrations.fhir.subscriptions import rendering, selectors

_STATUS = "http://hl7.org/fhir/subscription-status"


def _show(row: Row, base_url: str) -> dict[str, Any]:
    del base_url  # what is shown was written by its sender
    return rendering.render(row)


VERSIONS = Source(
    resource_type="Subscription",
    rows=selectors.versions_of,
    key_column="pk",
    key=int,
    moment_column="at",
    version="version",
    show=_show,
    name=lambda row: str(row.subscription_id),
    ids=Ids(column="subscription_id"),
    reads={"status": Codes(column="status", systems=(_STATUS,))},
    is_deletion=lambda row: not row.document,
)
SOURCE = replace(VERSIONS, rows=selectors.newest_versions_of)
