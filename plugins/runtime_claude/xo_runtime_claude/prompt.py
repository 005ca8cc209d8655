"""A turn's prompt as the CLI takes it: skill, text, attachments."""

import base64
from typing import Any

from xo_cowork_core.sdk import Turn
from xo_cowork_core.sdk.turn import Attachment

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MAX_IMAGE_BYTES = 5 * 1024 * 1024


def prompt_text(turn: Turn, attachments: tuple[Attachment, ...]) -> str:
    """Join the skill's slash command, the text and the paths of attachments."""
    text = f"/{turn.skill} {turn.text}" if turn.skill else turn.text
    paths = "\n".join(f"@{_quoted(str(item.path))}" for item in attachments)
    whole = f"{text}\n\n{paths}" if paths else text
    # a lone surrogate can't be sent as UTF-8, and a malformed line would end the process
    return whole.encode("utf-8", "replace").decode()


def content_of(turn: Turn) -> list[dict[str, Any]]:
    """Build the content blocks. Reads image files: call it off the event loop."""
    images = [item for item in turn.attachments if _is_small_image(item)]
    others = tuple(item for item in turn.attachments if item not in images)
    blocks = [_image(item) for item in images]
    return [*blocks, {"type": "text", "text": prompt_text(turn, others)}]


def user_record(prompt_id: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    """Wrap content as a `user` line. `prompt_id` becomes the uuid of its row on disk."""
    return {
        "type": "user",
        "message": {"role": "user", "content": content},
        "parent_tool_use_id": None,
        "session_id": "",
        "uuid": prompt_id,
    }


def control(request_id: str, subtype: str, **fields: object) -> dict[str, Any]:
    """Build a control request."""
    request = {"subtype": subtype, **fields}
    return {"type": "control_request", "request_id": request_id, "request": request}


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path


def _is_small_image(item: Attachment) -> bool:
    if item.mime_type not in IMAGE_TYPES:
        return False
    try:
        return 0 < item.path.stat().st_size <= MAX_IMAGE_BYTES
    except OSError:
        return False


def _image(item: Attachment) -> dict[str, Any]:
    data = base64.b64encode(item.path.read_bytes()).decode()
    source = {"type": "base64", "media_type": item.mime_type, "data": data}
    return {"type": "image", "source": source}
