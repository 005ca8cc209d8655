"""The MCP servers of a turn, as Codex takes them: over its protocol, or for `codex exec`."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from xo_cowork_core.sdk import TurnMcpServer

VARIABLE = "XO_MCP_TOKEN_{}"


def thread_config(servers: Sequence[TurnMcpServer]) -> dict[str, Any]:
    """Return the entries that override a thread's configuration. They hold tokens in plain text.

    Codex keeps them in memory alone. The dotted keys leave the user's own servers as they are.
    """
    return {
        f"mcp_servers.{server.name}": {
            "url": server.url,
            "http_headers": {
                name: value.get_secret_value() for name, value in server.headers.items()
            },
        }
        for server in servers
    }


def servers_digest(servers: Sequence[TurnMcpServer]) -> str:
    """Return a digest that identifies a list of servers without revealing its tokens."""
    digest = hashlib.sha256()
    for server in servers:
        text = f"{server.name} {server.url} {server.token.get_secret_value()}\0"
        digest.update(text.encode())
    return digest.hexdigest() if servers else ""


def exec_arguments(servers: Sequence[TurnMcpServer]) -> list[str]:
    """Return the arguments of `codex exec`, without tokens."""
    arguments: list[str] = []
    for server in servers:
        key = f"mcp_servers.{server.name}"
        arguments += ["-c", f'{key}.url="{server.url}"']
        arguments += ["-c", f'{key}.bearer_token_env_var="{_variable(server)}"']
    return arguments


def exec_environment(servers: Sequence[TurnMcpServer]) -> Mapping[str, SecretStr]:
    """Return the variables that those arguments name."""
    return {_variable(server): server.token for server in servers}


def _variable(server: TurnMcpServer) -> str:
    return VARIABLE.format(server.name.upper())
