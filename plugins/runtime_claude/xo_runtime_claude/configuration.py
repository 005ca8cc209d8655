"""Reads Claude Code's own configuration: its settings, and the MCP servers that turns start."""

from collections.abc import Mapping
from pathlib import Path

import orjson

from xo_cowork_core.sdk import Json, Unavailable
from xo_cowork_core.sdk.kit import read_mcp_entries
from xo_cowork_core.sdk.runtime.catalog import McpServer
from xo_runtime_claude.options import Options

MAX_BYTES = 16 << 20


def read_settings(options: Options) -> Json:
    """Return the user's `settings.json`, empty without one. Raises `Unavailable`."""
    try:
        return _read_object(options.config / "settings.json")
    except (OSError, ValueError) as error:
        raise Unavailable("Claude Code's settings.json can't be read") from error


def read_mcp_servers(cwd: Path, options: Options) -> list[McpServer]:
    """Return the user's servers, then those of the project in `cwd`.

    The project's are in its `.mcp.json` and, for this user alone, in the user's file. A name that
    comes twice is the more private one's, as for Claude Code.
    """
    own = _object_or_empty(options.user_file)
    project = _object_of(_object_of(own.get("projects")).get(str(cwd)))
    disabled = project.get("disabledMcpjsonServers")
    shared = _object_or_empty(cwd / ".mcp.json")
    servers = [
        *read_mcp_entries(
            shared.get("mcpServers"),
            scope="project",
            disabled=[str(name) for name in disabled] if isinstance(disabled, list) else (),
        ),
        *read_mcp_entries(own.get("mcpServers")),
        *read_mcp_entries(project.get("mcpServers"), scope="project"),
    ]
    return list({server.name: server for server in servers}.values())


def _object_or_empty(path: Path) -> Json:
    try:
        return _read_object(path)
    except (OSError, ValueError):
        return {}


def _read_object(path: Path) -> Json:
    """Return the object in a file, empty without one. Raises OSError, ValueError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    if len(data) > MAX_BYTES:
        raise ValueError("it is too large")
    value = orjson.loads(data) if data.strip() else {}
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    return value


def _object_of(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
