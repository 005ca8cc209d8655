"""The MCP servers of connectors in the configuration of the gateway that this server runs.

All sessions of a gateway share its configuration. Its entries name a variable for the token, which
the gateway has in its environment: the file has none. An entry with that variable is ours.
"""

from collections.abc import Callable, Mapping, Sequence

from pydantic import SecretStr

from xo_cowork_core.sdk import Conflict, Json, TurnMcpServer
from xo_runtime_openclaw.config.config_file import ConfigFile
from xo_runtime_openclaw.config.json5_edit import Edit, RemoveValue, SetValue
from xo_runtime_openclaw.gateway.frames import Row, row

TOKEN_VARIABLE = "XO_MCP_TOKEN"  # noqa: S105 - the name of a variable, not a secret
AUTHORIZATION = f"Bearer ${{{TOKEN_VARIABLE}}}"
TRIES = 5


def mcp_environment(servers: Sequence[TurnMcpServer]) -> Mapping[str, SecretStr]:
    """Return the variable with the token that all servers share."""
    return {TOKEN_VARIABLE: servers[0].token} if servers else {}


def configure_servers(file: ConfigFile, servers: Sequence[TurnMcpServer]) -> None:
    """Write the entries of the servers, and remove those of earlier ones. Blocks.

    Raises Conflict or Unavailable when the file can't be changed.
    """
    for _ in range(TRIES):
        draft = file.draft(_plan(servers))
        if draft is None or file.write(draft):
            return
    raise Conflict("openclaw.json changes all the time")


def _plan(servers: Sequence[TurnMcpServer]) -> Callable[[Json], Sequence[Edit]]:
    wanted = {server.name: _entry(server) for server in servers}

    def plan(config: Json) -> Sequence[Edit]:
        entries = row(row(config.get("mcp")).get("servers"))
        own = {name for name, entry in entries.items() if _is_own(row(entry))}
        foreign = entries.keys() - own
        removed = [RemoveValue(("mcp", "servers", name)) for name in sorted(own - wanted.keys())]
        changed = [
            SetValue(("mcp", "servers", name), entry)
            for name, entry in wanted.items()
            if name not in foreign and entries.get(name) != entry
        ]
        return [*removed, *changed]

    return plan


def _entry(server: TurnMcpServer) -> Json:
    return {
        "transport": "streamable-http",
        "url": server.url,
        "headers": {"Authorization": AUTHORIZATION},
    }


def _is_own(entry: Row) -> bool:
    return row(entry.get("headers")).get("Authorization") == AUTHORIZATION
