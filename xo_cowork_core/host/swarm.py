"""Builds what is sent to the XO service while the server is signed in."""

import socket

from xo_cowork_core.host.service_groups import BaseServices, ConnectorServices, IndexServices
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.services.swarm.message_queue import MessageQueue
from xo_cowork_core.services.swarm.message_reporter import MessageReporter
from xo_cowork_core.services.swarm.reported_days import ReportedDays
from xo_cowork_core.services.swarm.swarm import Swarm
from xo_cowork_core.services.swarm.swarm_api import SwarmApi
from xo_cowork_core.services.swarm.usage_sync import UsageSync


def build_swarm(
    settings: Settings, base: BaseServices, connectors: ConnectorServices, index: IndexServices
) -> Swarm:
    """Return the reporters. They do nothing where no service is configured."""
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
