"""A turn as `chat.send` parameters: message, attachments, thinking level."""

import asyncio
import base64
import mimetypes
from typing import Any

from xo_cowork_core.sdk import AgentFailure, Attachment, Turn

MAX_INLINE_BYTES = 4 * 1024 * 1024
LEVELS = frozenset({"off", "minimal", "low", "medium", "high", "xhigh", "max"})


async def send_params(turn: Turn, key: str, run_id: str) -> dict[str, Any]:
    """Return the parameters of `chat.send`. Raises `AgentFailure` for an unreadable file."""
    images, others = _sorted(turn)
    params: dict[str, Any] = {
        "sessionKey": key,
        "message": _text(turn, others),
        "idempotencyKey": run_id,
    }
    if not turn.skill:
        # the prompt is for the agent; the gateway must not interpret it as commands
        params["suppressCommandInterpretation"] = True
    if images:
        params["attachments"] = [await asyncio.to_thread(_inline, image) for image in images]
    level = (turn.reasoning or "").strip().lower()
    if level in LEVELS:
        params["thinking"] = level
    return params


def model_of(turn: Turn) -> str | None:
    """Return the model of the prompt, with its provider."""
    if turn.model and turn.provider_id and "/" not in turn.model:
        return f"{turn.provider_id}/{turn.model}"
    return turn.model


def _text(turn: Turn, files: list[Attachment]) -> str:
    text = f"/skill {turn.skill} {turn.text}" if turn.skill else turn.text
    if not files:
        return text
    listed = "\n".join(f"- {file.path}" for file in files)
    return f"{text}\n\nAttached files:\n{listed}"


def _sorted(turn: Turn) -> tuple[list[Attachment], list[Attachment]]:
    images = [file for file in turn.attachments if _mime(file).startswith("image/")]
    small = [file for file in images if file.size <= MAX_INLINE_BYTES]
    return small, [file for file in turn.attachments if file not in small]


def _mime(file: Attachment) -> str:
    return file.mime_type or mimetypes.guess_type(file.name)[0] or ""


def _inline(file: Attachment) -> dict[str, Any]:
    try:
        content = file.path.read_bytes()
    except OSError as error:
        raise AgentFailure("An attachment could not be read", code="bad_request") from error
    return {
        "type": "image",
        "mimeType": _mime(file),
        "fileName": file.name,
        "content": base64.b64encode(content).decode(),
    }
