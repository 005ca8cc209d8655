"""An agent as clients see it, and which of the fields that they send are stored where."""

from collections.abc import Callable, Mapping, Set
from typing import Any, cast

from xo_cowork_core.sdk.runtime.agents import Agent, AgentDetail

# fields that the server derives: a client that sends a whole row back changes none of them
DERIVED = frozenset(
    {"id", "created_at", "mode", "permissions", "sessions", "backend"}
    | {"workspace_files", "config_entry", "agents_defaults", "on_disk"}
)
# fields with texts of people and folders: what looks like a secret in there is none
TEXTS = frozenset(
    {"id", "name", "display_name", "description", "systemPrompt", "system_prompt", "workspace"}
    | {"metadata", "identity", "sessions", "permissions", "env_file", "cwd", "created_at"}
)
IDENTITY = "identity"
# of an identity, the field that only the host stores
BIO = "bio"
# other names of stored fields
IDENTITY_ALIASES = {"identity_name": "name", "identity_emoji": "emoji"}
Row = dict[str, Any]


def agent_row(agent: Agent, runtime_name: str, extra: Row, *, default_workspace: str) -> Row:
    """Return an agent's row: what its runtime stores over what the host stores."""
    stored: Row = {**extra, **agent.fields}
    name = stored.get("name") or agent.id
    prompt = stored.get("systemPrompt") or ""
    identity = {**_object(extra.get(IDENTITY)), **_object(agent.fields.get(IDENTITY))}
    workspace = agent.workspace or _absolute(stored.get("workspace")) or default_workspace
    return {
        "description": "",
        "model": None,
        "tools": [],
        "env_file": None,
        "created_at": None,
        **stored,
        "id": agent.id,
        "name": name,
        "display_name": stored.get("display_name") or identity.get("name") or name,
        "systemPrompt": prompt,
        "system_prompt": prompt,
        "mode": "primary",
        "permissions": {"rules": []},
        "backend": runtime_name,
        "workspace": workspace,
        "metadata": {
            **_object(stored.get("metadata")),
            "backend": runtime_name,
            "workspace": workspace,
            "is_default": agent.is_default,
        },
        IDENTITY: {**dict.fromkeys(("name", "emoji", BIO)), **identity},
        "sessions": {"count": agent.session_count, "session_ids": list(agent.session_ids)},
    }


def masked_row(row: Row, mask: Callable[[object], object]) -> Row:
    """Return a row without the secrets among its fields of any name."""
    others = {key: value for key, value in row.items() if key not in TEXTS}
    return {**row, **cast("Row", mask(others))}


def detail_fields(detail: AgentDetail, mask: Callable[[object], object]) -> Row:
    """Return the fields that only the answer about one agent has. Blocks for a large entry."""
    return {
        "workspace_files": dict(detail.files),
        "config_entry": mask(detail.config_entry),
        "agents_defaults": mask(detail.defaults),
        "on_disk": {"agent_dir": detail.agent_dir},
    }


def changed_fields(fields: Row, row: Row) -> Row:
    """Return the fields that differ from what a client was shown."""
    return {key: value for key, value in fields.items() if key not in row or row[key] != value}


def stored_fields(fields: Row) -> Row:
    """Return the fields that are stored, by their own names."""
    stored = {key: value for key, value in fields.items() if key not in DERIVED}
    if "system_prompt" in stored:
        stored["systemPrompt"] = stored.pop("system_prompt")
    for alias, name in IDENTITY_ALIASES.items():
        if alias in stored:
            stored[IDENTITY] = {**_object(stored.get(IDENTITY)), name: stored.pop(alias)}
    return stored


def split_fields(fields: Row, own_names: Set[str]) -> tuple[Row, Row]:
    """Return the fields that the runtime stores, and those that the host stores."""
    own = {key: value for key, value in fields.items() if key in own_names}
    others = {key: value for key, value in fields.items() if key not in own_names}
    identity = own.get(IDENTITY)
    if isinstance(identity, dict) and BIO in identity:
        parts = cast("Row", identity)
        others[IDENTITY] = {BIO: parts[BIO]}
        own[IDENTITY] = {key: value for key, value in parts.items() if key != BIO}
        if not own[IDENTITY]:
            del own[IDENTITY]
    return own, others


def merge_fields(stored: Row, changes: Mapping[str, Any]) -> None:
    """Apply changes to stored fields; an object keeps the keys that its change doesn't name."""
    for key, value in changes.items():
        old = _object(stored.get(key))
        stored[key] = {**old, **cast("Row", value)} if isinstance(value, dict) else value


def _absolute(path: object) -> str:
    """Return a path that is absolute; any other value counts as none."""
    return path if isinstance(path, str) and path.startswith("/") else ""


def _object(value: object) -> Row:
    """Return a JSON object; any other value, edited by hand, counts as an empty one."""
    return cast("Row", value) if isinstance(value, dict) else {}
