"""Parameters of Codex's thread and turn requests, permissions included."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xo_cowork_core.sdk import Permissions, Turn
from xo_runtime_codex.options import effort_of
from xo_runtime_codex.protocol.attachments import listing, user_text
from xo_runtime_codex.protocol.mcp_servers import thread_config

# characters; the limit of `turn/start` minus room for the file list
TEXT_LIMIT = 1_000_000
CONTINUATION = "Further text of the message that follows:\n"


def approval_policy(permissions: Permissions) -> str:
    """Return `never` when everything is allowed, else `untrusted`: Codex requests everything.

    `rule_for` then decides which requests reach the user. No policy of Codex has separate rules
    for commands and file changes.
    """
    rules = {permissions.file_changes, permissions.run_commands, permissions.other}
    return "never" if rules == {"allow"} else "untrusted"


def thread_parameters(turn: Turn) -> dict[str, Any]:
    """Return the parameters that start or resume a thread for a turn.

    No sandbox: Codex requests permission for everything, and what the user allows must run on
    every kernel.
    """
    return {
        "cwd": str(turn.cwd),
        "approvalPolicy": approval_policy(turn.permissions),
        "sandbox": "danger-full-access",
        **({"model": turn.model} if turn.model else {}),
        **({"modelProvider": turn.provider_id} if turn.provider_id else {}),
        **({"config": thread_config(turn.mcp_servers)} if turn.mcp_servers else {}),
    }


def turn_parameters(
    turn: Turn, thread_id: str, text: str, *, model: str, effort: str | None, plan: bool
) -> dict[str, Any]:
    """Return the parameters of one turn. Codex keeps the mode, so each turn sets it."""
    settings = {
        "model": turn.model or model,
        "reasoning_effort": effort_of(turn) or effort,
        "developer_instructions": None,  # the defaults of the mode
    }
    return {
        "threadId": thread_id,
        "input": [{"type": "text", "text": text[:TEXT_LIMIT], "text_elements": []}],
        "cwd": str(turn.cwd),
        "approvalPolicy": approval_policy(turn.permissions),
        "sandboxPolicy": {"type": "dangerFullAccess"},
        "collaborationMode": {"mode": "plan" if plan else "default", "settings": settings},
    }


def prompt_text(turn: Turn) -> str:
    """Return skill, text and file list as one text; lone surrogates become `?`."""
    text = f"${turn.skill} {turn.text}" if turn.skill else turn.text
    return (text + listing(turn)).encode("utf-8", "replace").decode()


def overflow(text: str) -> list[Mapping[str, Any]]:
    """Return the text beyond `TEXT_LIMIT` as items; the model reads them before the prompt."""
    pieces = [text[start : start + TEXT_LIMIT] for start in range(0, len(text), TEXT_LIMIT)][1:]
    return [
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": CONTINUATION + piece}],
        }
        for piece in pieces
    ]


def thread_title(turn: Turn) -> str:
    """Return a thread's title: the first words of its prompt."""
    words = " ".join(user_text(prompt_text(turn)).split()) or Path(turn.cwd).name
    return words[:80]
