"""A turn's prompt as the CLI takes it: skill, text, attachments."""

from typing import Any

from xo_cowork_core.sdk import Turn
from xo_runtime_claude.attachments import mention


def prompt_text(turn: Turn) -> str:
    """Join the skill's slash command, the text and the paths of attachments."""
    text = f"/{turn.skill} {turn.text}" if turn.skill else turn.text
    whole = mention(text, [item.path for item in turn.attachments])
    # a lone surrogate can't be sent as UTF-8, and a malformed line would end the process
    return whole.encode("utf-8", "replace").decode()


def user_record(prompt_id: str, text: str) -> dict[str, Any]:
    """Wrap text as a `user` line. `prompt_id` becomes the uuid of its row on disk."""
    return {
        "type": "user",
        "message": {"role": "user", "content": [{"type": "text", "text": text}]},
        "parent_tool_use_id": None,
        "session_id": "",
        "uuid": prompt_id,
    }


def control(request_id: str, subtype: str, **fields: object) -> dict[str, Any]:
    """Build a control request."""
    request = {"subtype": subtype, **fields}
    return {"type": "control_request", "request_id": request_id, "request": request}
