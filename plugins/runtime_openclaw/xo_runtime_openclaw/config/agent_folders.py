"""The folders of an agent: where OpenClaw lets it work, and where it stores the agent's state."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from xo_cowork_core.sdk import JsonValue
from xo_runtime_openclaw.config.agent_config import OWNERSHIP, AgentConfig, value_at

INSTRUCTION_FILES = ("AGENTS.md", "SOUL.md", "IDENTITY.md", "USER.md", "TOOLS.md", "MEMORY.md")
MAX_FILE_BYTES = 1 << 20
SHARED_WORKSPACE = ("agents", "defaults", "workspace")


def workspace_of(agents: AgentConfig, agent_id: str) -> str:
    """Return an agent's workspace, by OpenClaw's own rule."""
    own = _text(agents.rows.get(agent_id, {}).get("workspace"))
    if own:
        return _absolute(agents.home, own)
    shared = _text(value_at(agents.config, SHARED_WORKSPACE))
    if agent_id == _sole_owner(agents):
        return _absolute(agents.home, shared or f"{agents.home}/workspace")
    folder = f"{shared}/{agent_id}" if shared else f"{agents.home}/workspace-{agent_id}"
    return _absolute(agents.home, folder)


def agent_dir_of(agents: AgentConfig, agent_id: str) -> str:
    """Return the folder of an agent's own state."""
    own = _text(agents.rows.get(agent_id, {}).get("agentDir"))
    return _absolute(agents.home, own or f"{agents.home}/agents/{agent_id}/agent")


def read_instruction_files(workspace: str) -> Mapping[str, str | None]:
    """Return the texts that instruct an agent; None for a file that does not exist or cannot be
    shown. Blocks."""
    return {name: _read(Path(workspace) / name) for name in INSTRUCTION_FILES}


def _sole_owner(agents: AgentConfig) -> str | None:
    """Return the agent that has the shared workspace itself; the others have folders in it."""
    rows = agents.rows
    if len(rows) == 1:
        return next(iter(rows))
    if value_at(agents.config, OWNERSHIP) == "explicit":
        return None
    marked = [key for key, fields in rows.items() if fields.get("default") is True]
    return marked[0] if len(marked) == 1 else None


def _read(path: Path) -> str | None:
    # an agent writes here: a symlink could lead to any file of its owner
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_FILE_BYTES).decode("utf-8", "replace")
    finally:
        os.close(descriptor)


def _absolute(openclaw_folder: str, path: str) -> str:
    """Expand `~`, which is the folder above OpenClaw's; relative paths are taken from there."""
    home = Path(openclaw_folder).parent
    if path == "~" or path.startswith("~/"):
        path = path[2:]
    return os.path.normpath(home / path)


def _text(value: JsonValue) -> str:
    return value.strip() if isinstance(value, str) else ""
