"""What a turn may do, in Codex's words, and the parameters of threads and turns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xo_cowork_core.sdk import Permissions, Turn
from xo_runtime_codex.options import effort_of
from xo_runtime_codex.protocol.attachments import listing, said_in

# what `turn/start` takes at most, in characters, less some for attachments' names
TEXT_LIMIT = 1_000_000
FURTHER = "Further text of the message that follows:\n"


def approval_policy(permissions: Permissions) -> str:
    """Codex asks about everything, or about nothing.

    What of it reaches a person is decided here, by `Permissions`: so all three rules hold for
    commands and file changes apart, which no policy of Codex's can say.
    """
    rules = {permissions.file_changes, permissions.run_commands, permissions.other}
    return "never" if rules == {"allow"} else "untrusted"


def thread_parameters(turn: Turn) -> dict[str, Any]:
    """Parameters by which a thread is started or resumed for a turn.

    No sandbox: Codex asks before everything then, and what a person allows must really run,
    whatever the machine's kernel offers.
    """
    return {
        "cwd": str(turn.cwd),
        "approvalPolicy": approval_policy(turn.permissions),
        "sandbox": "danger-full-access",
        **({"model": turn.model} if turn.model else {}),
        **({"modelProvider": turn.provider_id} if turn.provider_id else {}),
    }


def turn_parameters(
    turn: Turn, thread_id: str, text: str, *, model: str, effort: str | None, plan: bool
) -> dict[str, Any]:
    """Parameters of one turn. The mode is sticky in Codex, so it is said every time."""
    settings = {
        "model": turn.model or model,
        "reasoning_effort": effort_of(turn) or effort,
        "developer_instructions": None,  # Codex's own for the mode
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
    """Join skill, text and files' names. A lone surrogate can't be sent as UTF-8."""
    text = f"${turn.skill} {turn.text}" if turn.skill else turn.text
    return (text + listing(turn)).encode("utf-8", "replace").decode()


def overflow(text: str) -> list[Mapping[str, Any]]:
    """Make items of what a turn's own text can't hold; the model reads them before it."""
    pieces = [text[start : start + TEXT_LIMIT] for start in range(0, len(text), TEXT_LIMIT)][1:]
    return [
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": FURTHER + piece}],
        }
        for piece in pieces
    ]


def thread_title(turn: Turn) -> str:
    """Name a thread after its first words."""
    words = " ".join(said_in(prompt_text(turn)).split()) or Path(turn.cwd).name
    return words[:80]
