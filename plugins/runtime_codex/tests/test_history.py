"""Rollouts that the real Codex wrote, read as messages; and what is wrong with files."""

import asyncio
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

import pytest

from xo_cowork_core.sdk import NotFound, Tokens
from xo_cowork_core.sdk.runtime.history import (
    FilePart,
    Message,
    ReasoningPart,
    StepPart,
    TextPart,
    ToolPart,
)
from xo_runtime_codex.history.messages import MessageBuilder
from xo_runtime_codex.history.rollouts import EPOCH, Row, calls_tool, find_files
from xo_runtime_codex.history.store import Store
from xo_runtime_codex.history.transcript import CodexTranscript

ROLLOUTS = Path(__file__).parent / "fixtures" / "rollouts"
ID = "01a20c11-629f-70d3-8b58-076a1a7e33a3"
REVISION = "01a20c9e-a62d-71e3-b049-cedc734d9e1e"
EDITED = "01a21256-0648-78e2-bf41-f2323d4e9f05"
FORK = "01a21256-099d-78f3-b5d3-c2f5a6c49c2a"


def file_of(home: Path, revision: str = "", session_id: str = ID) -> Path:
    folder = home / "sessions" / "2026" / "11" / "24"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"rollout-2026-11-24T05-39-55-{session_id}{revision}.jsonl"


def messages(home: Path, name: str) -> list[Message]:
    shutil.copy(ROLLOUTS / f"{name}.jsonl", file_of(home))
    rows = asyncio.run(Store(home).messages(ID))
    assert rows is not None
    return list(rows)


def test_a_patch_is_a_write_with_its_content(tmp_path: Path) -> None:
    user, agent = messages(tmp_path, "apply_patch")
    assert user.role == "user"
    tool = next(part for part in agent.parts if isinstance(part, ToolPart))
    assert tool.tool == "write"
    assert tool.input == {"file_path": "/tmp/xo-home/proj/p.txt", "content": "hello\n"}
    assert tool.status == "completed"
    assert TextPart("it is done ") in agent.parts
    steps = [part for part in agent.parts if isinstance(part, StepPart)]
    assert agent.tokens == steps[0].tokens + steps[1].tokens
    assert agent.finish == "stop"


def test_a_step_ends_after_the_tools_that_its_call_asked_for(tmp_path: Path) -> None:
    _, agent = messages(tmp_path, "apply_patch")
    parts = [part.reason if isinstance(part, StepPart) else type(part) for part in agent.parts]
    assert parts == [ToolPart, "tool_use", TextPart, "stop"]


@pytest.mark.parametrize(
    "payload",
    [{"type": ["task_complete"]}, {"type": "task_complete", "turn_id": [1]}, {"type": {}}],
)
def test_events_of_odd_types_are_passed_over(tmp_path: Path, payload: dict[str, object]) -> None:
    expected = messages(tmp_path, "apply_patch")
    row = {"timestamp": "2026-11-24T05:40:00.000Z", "type": "event_msg", "payload": payload}
    lines = file_of(tmp_path).read_bytes().splitlines()
    file_of(tmp_path).write_bytes(
        b"\n".join([*lines[:-1], json.dumps(row).encode(), lines[-1], b""])
    )
    assert asyncio.run(Store(tmp_path).messages(ID)) == expected


def test_a_session_without_items_has_the_same_messages(tmp_path: Path) -> None:
    first, agent, second, writer = messages(tmp_path, "legacy")
    assert [each.role for each in (first, agent, second, writer)] == ["user", "assistant"] * 2
    assert agent.parts[1:4] == (
        StepPart("tool_use", Tokens(9868, 1, cache_read=7)),
        ReasoningPart("hm so"),
        TextPart("therefore"),
    )
    command, patch = (
        next(part for part in each.parts if isinstance(part, ToolPart)) for each in (agent, writer)
    )
    assert (command.tool, command.input, command.output) == ("bash", {"command": "echo hi"}, "hi\n")
    assert (patch.tool, patch.input["content"]) == ("write", "hello\n")
    record = asyncio.run(Store(tmp_path).session(ID))
    assert record
    assert (record.message_count, record.title[:6]) == (4, "[[tool")


def test_the_oldest_files_name_neither_turns_nor_ways(tmp_path: Path) -> None:
    prompts = ["one", "two"]
    rows: list[tuple[str, dict[str, object]]] = [("session_meta", {"id": ID, "cwd": "/there"})]
    for text in prompts:
        call = {"name": "shell", "arguments": '{"command": ["ls"]}', "call_id": f"call-{text}"}
        rows += [
            ("event_msg", {"type": "user_message", "message": text}),
            ("response_item", {"type": "function_call", **call}),
            ("event_msg", {"type": "agent_message", "message": f"{text} back"}),
            ("event_msg", {"type": "turn_aborted", "reason": "interrupted"}),
        ]
    time = "2025-09-01T10:00:00.000Z"
    lines = [json.dumps({"timestamp": time, "type": t, "payload": p}) for t, p in rows]
    file_of(tmp_path).write_text("\n".join(lines) + "\n")
    history = asyncio.run(Store(tmp_path).messages(ID))
    assert history
    texts = [next(p.text for p in m.parts if isinstance(p, TextPart)) for m in history]
    assert texts == ["one", "one back", "two", "two back"]
    assert len({message.id for message in history}) == 4
    cut = [part for part in history[1].parts if isinstance(part, ToolPart)]
    assert [(part.tool, part.status) for part in cut] == [("bash", "error")]


def test_a_failed_turn_keeps_its_reason(tmp_path: Path) -> None:
    user, agent = messages(tmp_path, "error_429")
    assert user.role == "user"
    assert agent.finish == "error"
    assert agent.error == "exceeded retry limit, last status: 429 Too Many Requests"


def test_an_interrupted_tool_is_kept_as_failed(tmp_path: Path) -> None:
    _, agent = messages(tmp_path, "sigint_tool")
    tool = next(part for part in agent.parts if isinstance(part, ToolPart))
    assert tool.status == "error"
    assert tool.tool == "bash"


def test_a_resumed_session_is_one_conversation(tmp_path: Path) -> None:
    roles = [message.role for message in messages(tmp_path, "resumed")]
    assert roles == ["user", "assistant"] * 2
    record = asyncio.run(Store(tmp_path).session(ID))
    assert record
    assert record.message_count == 4
    assert record.directory == "/tmp/xo-home/proj"


def test_a_torn_file_gives_what_it_holds(tmp_path: Path) -> None:
    whole = (ROLLOUTS / "apply_patch.jsonl").read_bytes()
    for cut in range(0, len(whole), 97):
        file_of(tmp_path).write_bytes(whole[:cut])
        asyncio.run(Store(tmp_path).messages(ID))
    torn = whole.replace(b'"item_completed"', b"\xff\xfe", 1) + b"[1]\nnull\n{}\n\n{"
    file_of(tmp_path).write_bytes(torn)
    assert asyncio.run(Store(tmp_path).messages(ID))


def answers(history: Sequence[Message] | None) -> list[str]:
    """Return the agent's texts of each turn, without repeats."""
    assert history is not None
    texts = [part.text for message in history for part in message.parts if is_answer(message, part)]
    return [text.split()[0] for text in texts]


def is_answer(message: Message, part: object) -> TypeGuard[TextPart]:
    return message.role == "assistant" and isinstance(part, TextPart)


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A home where the real Codex ran four turns, dropped some three times, and created a fork,
    where a turn was dropped as well."""
    shutil.copytree(ROLLOUTS.parent / "edits", tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_an_edited_session_is_its_newest_file_and_the_base_of_that(
    edited: Path,
) -> None:
    store = Store(edited)
    assert answers(asyncio.run(store.messages(EDITED))) == ["answer0", "afterthird"]
    record = asyncio.run(store.session(EDITED))
    assert record
    assert (record.message_count, record.title) == (4, "[[text n=2 answer0]]")


def test_edits_of_edits_hold_up_to_their_rows(edited: Path) -> None:
    newest, second, first, _ = sorted(edited.rglob(f"*{EDITED}*"), reverse=True)
    newest.unlink()
    texts = answers(asyncio.run(Store(edited).messages(EDITED)))
    assert texts == ["answer0", "answer1", "afterfirst", "aftersecond"]
    second.unlink()
    texts = answers(asyncio.run(Store(edited).messages(EDITED)))
    assert texts == ["answer0", "answer1", "afterfirst", "afterfirst2"]
    first.unlink()
    texts = answers(asyncio.run(Store(edited).messages(EDITED)))
    assert texts == ["answer0", "answer1", "answer2", "answer3"]


def test_a_fork_begins_with_its_base(edited: Path) -> None:
    store = Store(edited)
    history = asyncio.run(store.messages(FORK))
    assert answers(history) == ["answer0", "afterthird", "forkreverted"]
    assert history
    assert asyncio.run(store.turn_of(FORK, history[0].id))


def test_a_fork_of_an_archived_session_still_begins_with_it(edited: Path) -> None:
    (edited / "archived_sessions").mkdir()
    for path in edited.rglob(f"rollout-*-{EDITED}*"):
        path.rename(edited / "archived_sessions" / path.name)
    store = Store(edited)
    assert answers(asyncio.run(store.messages(FORK))) == ["answer0", "afterthird", "forkreverted"]
    assert asyncio.run(store.messages(EDITED)) is None
    assert asyncio.run(store.session(EDITED)) is None


def test_an_edit_of_the_first_message_leaves_nothing_but_what_follows(edited: Path) -> None:
    meta = {"id": EDITED, "history_base": {"thread_id": EDITED, "end_ordinal_exclusive": 1}}
    row = {"timestamp": "2026-11-26T00:00:00Z", "type": "session_meta", "payload": meta}
    file_of(edited, f"_{REVISION}", EDITED).write_text(json.dumps(row) + "\n")
    assert answers(asyncio.run(Store(edited).messages(EDITED))) == []


@pytest.mark.parametrize("lost", ["gone", "itself", "number"])
def test_a_file_without_its_base_has_its_own_messages(edited: Path, lost: str) -> None:
    path = max(edited.rglob(f"*{FORK}.jsonl"))
    max(edited.rglob(f"*{FORK}_*")).unlink()
    base = {"gone": f'"{ID}"', "itself": f'"{FORK}"', "number": "5"}[lost]
    text = re.sub(r'("history_base":\{"thread_id":)"[^"]*"', rf"\g<1>{base}", path.read_text())
    path.write_text(text)
    assert answers(asyncio.run(Store(edited).messages(FORK))) == ["inthefork"]


def test_a_file_that_grows_is_read_on(tmp_path: Path) -> None:
    whole = (ROLLOUTS / "resumed.jsonl").read_bytes()
    grown = CodexTranscript(file_of(tmp_path))
    lines = whole.split(b"\n")
    for number, line in enumerate(lines, start=1):
        grown.feed([line])
        fresh = CodexTranscript(file_of(tmp_path))
        fresh.feed(lines[:number])
        assert (grown.messages(), grown.record()) == (fresh.messages(), fresh.record())
        assert grown.usage() == fresh.usage()
    assert len(grown.messages()) == 4


def test_each_model_call_is_counted_with_the_tools_that_it_asked_for(tmp_path: Path) -> None:
    transcript = CodexTranscript(file_of(tmp_path))
    transcript.feed((ROLLOUTS / "apply_patch.jsonl").read_bytes().split(b"\n"))
    first, second = transcript.usage()
    assert (first.tokens.input, list(first.tools)) == (10098, ["write"])
    assert (second.tokens.input, list(second.tools)) == (10230, [])
    assert (first.model_id, first.provider_id, first.session_id) == ("fake-gpt", "fake", ID)


def test_the_base_of_a_fork_is_not_counted_again(edited: Path) -> None:
    base = CodexTranscript(max(edited.rglob(f"*{EDITED}*")))
    base.feed(max(edited.rglob(f"*{EDITED}*")).read_bytes().split(b"\n"))
    fork = CodexTranscript(path := max(edited.rglob(f"*{FORK}.jsonl")))
    fork.feed(path.read_bytes().split(b"\n"))
    alone = fork.usage()
    fork.continue_from(base)
    assert fork.usage() == alone
    assert len(fork.messages()) > 2


def test_a_message_leads_to_its_turn(tmp_path: Path) -> None:
    user, _ = messages(tmp_path, "apply_patch")
    store = Store(tmp_path)
    assert asyncio.run(store.turn_of(ID, user.id)) == "01a20c11-62c3-7a53-9821-3c1936e6a282"
    with pytest.raises(NotFound):
        asyncio.run(store.turn_of(ID, "nobody"))


def test_a_tool_call_on_disk_is_seen(tmp_path: Path) -> None:
    messages(tmp_path, "apply_patch")
    files = find_files(tmp_path / "sessions", ID)
    assert calls_tool(files, "01a20c11-62c3-7a53-9821-3c1936e6a282")
    assert not calls_tool(files, "another turn")


def test_only_ids_find_files(tmp_path: Path) -> None:
    messages(tmp_path, "apply_patch")
    store = Store(tmp_path)
    for odd in ("*", "../x", "", ID.upper(), ID[:-1]):
        assert asyncio.run(store.session(odd)) is None
    assert asyncio.run(store.messages("00000000-0000-4000-8000-000000000000")) is None


def test_files_listed_in_a_prompt_are_parts_and_not_text() -> None:
    text = "look\n\nAttached files:\n- /files/my note.txt"
    item = {"type": "UserMessage", "id": "u1", "content": [{"type": "text", "text": text}]}
    body = {"type": "item_completed", "turn_id": "t1", "item": item}
    builder = MessageBuilder()
    builder.feed([Row("event_msg", 0, EPOCH, body)])
    (message,) = builder.messages
    assert message.parts == (TextPart("look"), FilePart("my note.txt", "/files/my note.txt"))
