"""Abilities of a runtime that can list what its agents work with: tools, MCP servers, automations.

The lists are for people to look at. None of them may hold a secret.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

__all__ = [
    "Automation",
    "ListsAutomations",
    "ListsMcpServers",
    "ListsTools",
    "McpScope",
    "McpServer",
    "McpTransport",
    "Tool",
]

McpTransport: TypeAlias = Literal["stdio", "http", "sse"]
McpScope: TypeAlias = Literal["user", "project"]


@frozen_dataclass
class Tool:
    """A tool that an agent may call. `source` says where it comes from, such as `core`."""

    name: str
    description: str = ""
    source: str = "core"


class ListsTools(ABC):
    """Knows the tools of its agents before a turn."""

    @abstractmethod
    async def tools(self) -> Sequence[Tool]:
        """Return the tools of the default agent, within 5 s.

        Raises `Unavailable` when they are not known at the moment.
        """


@frozen_dataclass
class McpServer:
    """An MCP server in the configuration of an agent.

    `transport` is how it is reached; `scope` is `user` or `project`. A disabled server is not
    started for turns.
    """

    name: str
    transport: McpTransport
    scope: McpScope = "user"
    enabled: bool = True


class ListsMcpServers(ABC):
    """Knows the MCP servers that its agents start or call."""

    @abstractmethod
    async def mcp_servers(self, cwd: Path) -> Sequence[McpServer]:
        """Return the servers of turns in the folder `cwd`, within 5 s.

        Entries that can't be read are left out.
        """


@frozen_dataclass
class Automation:
    """Work that an agent does by itself. `schedule` is when, in words or as a cron expression."""

    id: str
    name: str
    schedule: str
    enabled: bool = True


class ListsAutomations(ABC):
    """Runs work by itself, at set times."""

    @abstractmethod
    async def automations(self) -> Sequence[Automation]:
        """Return all automations, within 5 s.

        Raises `Unavailable` when they are not known at the moment.
        """
