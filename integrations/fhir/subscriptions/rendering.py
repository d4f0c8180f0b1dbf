"""A subscription as it is read: the received document with our id, version, status and error over it."""

from typing import Any

from integrations.fhir import wire
from integrations.fhir.rendering import with_server_elements
from integrations.fhir.subscriptions.models import SubscriptionVersion


def render(kept: SubscriptionVersion) -> dict[str, Any]:
    """The Subscription at a version. Its headers are shown, because nobody but their sender reads it."""
    resource = with_server_elements(
        wire.load(kept.document), pk=kept.subscription_id, version=kept.version, at=kept.at
    )
    resource["status"] = kept.status
    resource.pop("error", None)
    return resource | ({"error": kept.error} if kept.error else {})
