"""Builds the webhook, whose modules are imported where an address is set."""

from typing import TYPE_CHECKING

from xo_cowork_core.host.service_groups import BaseServices, ConnectorServices
from xo_cowork_core.host.settings.model import Settings

if TYPE_CHECKING:
    from xo_cowork_core.services.webhook.webhook import Webhook


def build_webhook(
    settings: Settings, base: BaseServices, connectors: ConnectorServices
) -> "Webhook | None":
    """Return the webhook; None, and nothing is imported, where it has no address."""
    if not settings.webhook_url.get_secret_value():
        return None
    from xo_cowork_core.services.webhook.webhook import Webhook  # noqa: PLC0415

    base.redactor.add([settings.webhook_url, settings.webhook_secret])
    return Webhook(
        connectors.http,
        base.database,
        connectors.events,
        base.clock,
        url=settings.webhook_url,
        secret=settings.webhook_secret,
    )
