"""What a turn sends to an ACP agent: its text and its files, as far as the agent takes them."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk.kit.acp.content import MAX_IMAGE_BYTES, MAX_TEXT_BYTES, prompt_blocks
from xo_cowork_core.sdk.runtime.turn import Attachment, Turn

ALL = {"image": True, "embeddedContext": True}


async def file_block(
    folder: Path, name: str, content: bytes, capabilities: dict[str, Any] | None = None
) -> Any:
    """Return the block of one attached file, without its `uri`."""
    path = folder / name
    path.write_bytes(content)
    turn = Turn("stream", "session", "Read.", folder, attachments=[Attachment(name, path)])
    text, block = await prompt_blocks(turn, ALL if capabilities is None else capabilities)
    assert text == {"type": "text", "text": "Read."}
    inner = {**block, **block.get("resource", {})}
    assert inner.pop("uri") == path.as_uri()
    return {key: value for key, value in inner.items() if key != "resource"}


@in_event_loop
async def test_a_small_text_is_embedded_and_another_file_is_linked(tmp_path: Path) -> None:
    limit = b"x" * MAX_TEXT_BYTES
    assert await file_block(tmp_path, "a.txt", limit) == {
        "type": "resource",
        "text": limit.decode(),
        "mimeType": "text/plain",
    }
    link = {"type": "resource_link", "name": "a.txt", "mimeType": "text/plain"}
    assert await file_block(tmp_path, "a.txt", limit + b"x") == link
    for binary in (b"\xff\xfe", b"a\0b"):
        assert await file_block(tmp_path, "a.txt", binary) == link
    assert await file_block(tmp_path, "a.txt", b"x", {"image": True}) == link
    assert await file_block(tmp_path, "noext", b"\xff") == {
        "type": "resource_link",
        "name": "noext",
    }


@in_event_loop
async def test_a_small_image_is_embedded_and_a_larger_one_is_linked(tmp_path: Path) -> None:
    limit = b"\x89" * MAX_IMAGE_BYTES
    assert await file_block(tmp_path, "a.png", limit) == {
        "type": "image",
        "data": base64.b64encode(limit).decode(),
        "mimeType": "image/png",
    }
    link = {"type": "resource_link", "name": "a.png", "mimeType": "image/png"}
    assert await file_block(tmp_path, "a.png", limit + b"x") == link
    assert await file_block(tmp_path, "a.png", b"x", {"embeddedContext": True}) == link


@in_event_loop
async def test_a_file_that_is_gone_is_linked(tmp_path: Path) -> None:
    attachment = Attachment("gone.txt", tmp_path / "gone.txt", mime_type="text/x-odd")
    turn = Turn("stream", "session", "Read.", tmp_path, attachments=[attachment])
    _, block = await prompt_blocks(turn, ALL)
    assert (block["type"], block["mimeType"]) == ("resource_link", "text/x-odd")


@pytest.mark.parametrize(("skill", "text"), [(None, "Read."), ("review", "/review Read.")])
@in_event_loop
async def test_a_skill_is_called_in_front_of_the_text(
    tmp_path: Path, skill: str | None, text: str
) -> None:
    turn = replace(Turn("stream", "session", "Read.", tmp_path), skill=skill)
    assert await prompt_blocks(turn, {}) == [{"type": "text", "text": text}]
