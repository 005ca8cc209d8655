"""Reads the usual form in which agents keep their MCP servers: an object of entries by name."""

from collections.abc import Collection, Mapping
from typing import cast

from xo_cowork_core.sdk.runtime.catalog import McpScope, McpServer, McpTransport


def read_mcp_entries(
    entries: object, *, scope: McpScope = "user", disabled: Collection[str] = ()
) -> list[McpServer]:
    """Return the servers of an object like `mcpServers`; what is no entry is left out.

    An entry has a `command`, or a `url` with `type` or `transport`; `enabled` and `disabled` are
    flags. Commands, addresses and headers are not read: they may hold secrets.
    """
    if not isinstance(entries, Mapping):
        return []
    servers: list[McpServer] = []
    for name, entry in cast("Mapping[object, object]", entries).items():
        if isinstance(name, str) and isinstance(entry, Mapping):
            fields = cast("Mapping[str, object]", entry)
            transport = _transport_of(fields)
            if transport:
                servers.append(
                    McpServer(name, transport, scope, name not in disabled and _is_enabled(fields))
                )
    return servers


def _transport_of(entry: Mapping[str, object]) -> McpTransport | None:
    if isinstance(entry.get("command"), str):
        return "stdio"
    if not isinstance(entry.get("url"), str):
        return None
    return "sse" if "sse" in (entry.get("type"), entry.get("transport")) else "http"


def _is_enabled(entry: Mapping[str, object]) -> bool:
    return entry.get("enabled") is not False and entry.get("disabled") is not True
