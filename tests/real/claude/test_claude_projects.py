"""What a turn of Claude Code leaves in a project: names of files and numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.claude_cli.claude_prompts import tool
from xo_cowork_core.sdk.testing import Chat, eventually

OpenChat = Callable[..., Chat]
SECONDS = 10.0


def timeline(chat: Chat) -> list[dict[str, Any]]:
    path = chat.folder / ".xo" / "timeline.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def ends(chat: Chat) -> int:
    return [event["type"] for event in timeline(chat)].count("session.ended")


def test_files_are_recorded_by_relative_path_as_new_or_changed(open_chat: OpenChat) -> None:
    chat = open_chat()
    inner: Path = chat.folder / "src" / "note.md"
    write = tool("Write", file_path=str(inner), content="a\n")
    presets = {"file_changes": True}
    first = chat.run_turn(f"{write} [[text ok]]", permission_presets=presets)
    edit = tool("Edit", file_path=str(inner), old_string="a", new_string="b")
    chat.run_turn(f"{edit} [[text ok]]", session_id=first.session_id, permission_presets=presets)
    eventually(lambda: ends(chat) == 2, SECONDS, "both turns are written down")
    files = [(event["type"], event["path"]) for event in timeline(chat) if "path" in event]
    assert files == [("file.created", "src/note.md"), ("file.edited", "src/note.md")]
    ended = [event for event in timeline(chat) if event["type"] == "session.ended"]
    assert all(event["tokens"]["input"] > 0 for event in ended)
