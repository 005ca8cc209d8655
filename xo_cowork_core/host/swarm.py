"""Builds what is sent to the XO service while the server is signed in."""

import socket
from typing import TYPE_CHECKING

from xo_cowork_core.host.service_groups import BaseServices, ConnectorServices, IndexServices
from xo_cowork_core.host.settings.model import Settings

if TYPE_CHECKING:
    from xo_cowork_core.services.swarm.swarm import Swarm


def build_swarm(
    settings: Settings, base: BaseServices, connectors: ConnectorServices, index: IndexServices
) -> "Swarm | None":
    """Return the reporters; None, and nothing is imported, where no service is configured."""
    if not settings.identity_url:
        return None
    from xo_cowork_core.services.swarm.message_queue import MessageQueue  # noqa: PLC0415
    from xo_cowork_core.services.swarm.message_reporter import MessageReporter  # noqa: PLC0415
    from xo_cowork_core.services.swarm.reported_days import ReportedDays  # noqa: PLC0415
    from xo_cowork_core.services.swarm.swarm import Swarm  # noqa: PLC0415
    from xo_cowork_core.services.swarm.swarm_api import SwarmApi  # noqa: PLC0415
    from xo_cowork_core.services.swarm.usage_sync import UsageSync  # noqa: PLC0415

    identity = connectors.identity
    api = SwarmApi(connectors.http, identity)
    queue = MessageQueue(base.database, base.clock)
    return Swarm(
        MessageReporter(api, identity, queue, base.eventlog),
        UsageSync(
            api=api,
            identity=identity,
            index=index.index,
            usage=index.usage,
            reported=ReportedDays(base.database, base.clock),
            clock=base.clock,
            hour=settings.usage_sync_hour,
            workspace_name=socket.gethostname(),
        ),
    )
