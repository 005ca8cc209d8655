"""What a turn of Claude Code leaves in a project: its names and numbers, none of its words."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from claude_prompts import text, tool

from xo_cowork_core.sdk.testing import Chat, eventually

OpenChat = Callable[..., Chat]
SECONDS = 10.0
PLANTED = "planted-51c8-"
KEY = "sk-ant-stand-in-good"


def timeline(chat: Chat) -> list[dict[str, Any]]:
    path = chat.folder / ".xo" / "timeline.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def ends(chat: Chat) -> int:
    return [event["type"] for event in timeline(chat)].count("session.ended")


def test_no_word_of_a_turn_is_found_under_the_projects_root(open_chat: OpenChat) -> None:
    chat = open_chat()
    # assembled by the shell, so that the output is not in the prompt
    shell = f'python3 -c \'print("{PLANTED}" + "out" + "put")\''
    note = chat.folder / "note.md"
    turns = [
        f"{PLANTED}prompt {text(f'{PLANTED}answer')}",
        f"{tool('Bash', command=shell)} {text('ran')}",
        f"{tool('Write', file_path=str(note), content=f'{PLANTED}content')} {text('wrote')}",
    ]
    presets = {"file_changes": True, "run_commands": True}
    seen = [chat.run_turn(prompt, permission_presets=presets) for prompt in turns]
    assert f"{PLANTED}output" in str(seen[1].bodies("tool-result"))
    assert PLANTED in note.read_text()
    note.unlink()
    eventually(lambda: ends(chat) == len(turns), SECONDS, "every turn is written down")
    chat.server.terminate()
    found = subprocess.run(
        ["grep", "-r", "-l", "-a", "-e", PLANTED, "-e", KEY, str(chat.server.projects)],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert found.stdout == ""
    assert found.returncode == 1, found.stderr


def test_files_are_told_relative_and_as_new_or_changed(open_chat: OpenChat) -> None:
    chat = open_chat()
    inner: Path = chat.folder / "src" / "note.md"
    write = tool("Write", file_path=str(inner), content="a\n")
    presets = {"file_changes": True}
    first = chat.run_turn(f"{write} [[text ok]]", permission_presets=presets)
    edit = tool("Edit", file_path=str(inner), old_string="a", new_string="b")
    chat.run_turn(f"{edit} [[text ok]]", session_id=first.session_id, permission_presets=presets)
    eventually(lambda: ends(chat) == 2, SECONDS, "both turns are written down")
    told = [(event["type"], event["path"]) for event in timeline(chat) if "path" in event]
    assert told == [("file.created", "src/note.md"), ("file.edited", "src/note.md")]
    ended = [event for event in timeline(chat) if event["type"] == "session.ended"]
    assert all(event["tokens"]["input"] > 0 for event in ended)
