"""What connectors add to the environment of agents, and when that may be a token itself."""

import asyncio
import logging
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import Turn, Unauthorized, XoError
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.connector_calls import (
    raw_token_environment,
    turn_environment,
)
from xo_cowork_core.services.connectors.project_access import ProjectAccessStore
from xo_cowork_core.services.runtimes.registry import Registry

ENVIRONMENT_SECONDS = 5.0
log = logging.getLogger("xo_cowork.connectors")


class TurnEnvironments(NamedTuple):
    """Reads them for each turn. `access` says which projects ask for tokens."""

    registry: Registry
    connections: Connections
    access: ProjectAccessStore

    async def read(self, connector: str, turn: Turn) -> Mapping[str, SecretStr]:
        """Return what a connector adds to the environment of a turn's agent; never raises.

        Nothing while its default connection is not signed in, or takes longer than 5 s to refresh.
        """
        registered = self.registry.connectors.get(connector)
        if registered is None or not registered.plugin.serves:
            return {}
        try:
            async with asyncio.timeout(ENVIRONMENT_SECONDS):
                tokens = await self.connections.get(connector)
        except Unauthorized:
            return {}
        except (XoError, TimeoutError):
            log.warning("connector %s: a turn starts without its environment", connector)
            return {}
        entries = turn_environment(registered, turn, tokens)
        if self.access.find(turn.agent_id).raw_tokens:
            return {**entries, **raw_token_environment(registered, turn, tokens)}
        return entries
