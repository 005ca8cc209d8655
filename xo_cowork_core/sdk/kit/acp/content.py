"""What a turn sends in the Agent Client Protocol: text, files, and its MCP servers."""

import asyncio
import base64
import mimetypes
from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.sdk.runtime.turn import Attachment, Turn

MAX_IMAGE_BYTES = 5 << 20
MAX_TEXT_BYTES = 256 << 10


async def prompt_blocks(turn: Turn, capabilities: Json) -> Sequence[Json]:
    """Return a turn's prompt for an agent with these `promptCapabilities`.

    A skill is called by its name in front of the text. A file is embedded where the agent takes
    that and it is small, as an image or as text; any other one is linked, which all agents take.
    """
    text = f"/{turn.skill} {turn.text}" if turn.skill else turn.text
    files = [
        await asyncio.to_thread(_file_block, attachment, capabilities)
        for attachment in turn.attachments
    ]
    return [{"type": "text", "text": text}, *files]


def mcp_servers(turn: Turn | None) -> Sequence[Json]:
    """Return a turn's MCP servers for an agent that takes servers over HTTP. They hold tokens.

    None is for an agent that does not take them.
    """
    return [
        {
            "type": "http",
            "name": server.name,
            "url": server.url,
            "headers": [
                {"name": name, "value": value.get_secret_value()}
                for name, value in server.headers.items()
            ],
        }
        for server in (turn.mcp_servers if turn else ())
    ]


def _file_block(attachment: Attachment, capabilities: Json) -> Json:
    uri = attachment.path.as_uri()
    mime_type = attachment.mime_type or mimetypes.guess_type(attachment.name)[0] or ""
    is_image = mime_type.startswith("image/")
    limit = MAX_IMAGE_BYTES if is_image else MAX_TEXT_BYTES
    takes_it = capabilities.get("image" if is_image else "embeddedContext") is True
    data = _read(attachment.path, limit) if takes_it else None
    kind: Json = {"mimeType": mime_type} if mime_type else {}
    if data is not None and is_image:
        encoded = base64.b64encode(data).decode()
        return {"type": "image", "data": encoded, "uri": uri, **kind}
    text = _as_text(data) if data is not None else None
    if text is not None:
        return {"type": "resource", "resource": {"uri": uri, "text": text, **kind}}
    return {"type": "resource_link", "uri": uri, "name": attachment.name, **kind}


def _read(path: Path, limit: int) -> bytes | None:
    """Return the content of a file; None when it is larger than `limit` or can't be read."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError:
        return None
    return data if len(data) <= limit else None


def _as_text(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
