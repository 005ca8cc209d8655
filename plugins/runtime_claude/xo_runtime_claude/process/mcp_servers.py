"""The MCP servers of a turn, as the CLI takes them at the start of a process.

The configuration names variables for the tokens, so that the command line has none. It adds to the
servers that the user has configured.
"""

from collections.abc import Mapping, Sequence

import orjson
from pydantic import SecretStr

from xo_cowork_core.sdk import TurnMcpServer

VARIABLE = "XO_MCP_TOKEN_{}"


def mcp_arguments(servers: Sequence[TurnMcpServer]) -> list[str]:
    """Return the option with the servers; none without servers."""
    if not servers:
        return []
    entries = {
        server.name: {
            "type": "http",
            "url": server.url,
            "headers": {"Authorization": f"Bearer ${{{_variable(server)}}}"},
        }
        for server in servers
    }
    # the option takes any number of values: in one word it leaves later ones alone
    return [f"--mcp-config={orjson.dumps({'mcpServers': entries}).decode()}"]


def mcp_environment(servers: Sequence[TurnMcpServer]) -> Mapping[str, SecretStr]:
    """Return the variables with the tokens."""
    return {_variable(server): server.token for server in servers}


def _variable(server: TurnMcpServer) -> str:
    return VARIABLE.format(server.name.upper())
