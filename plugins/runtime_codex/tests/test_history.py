"""Rollouts that the real Codex wrote, read as messages; and what is wrong with files."""

import asyncio
import shutil
from pathlib import Path

import pytest

from xo_cowork_core.sdk import Message, NotFound, StepPart, TextPart, ToolPart
from xo_runtime_codex.rollouts import calls_tool, find_files
from xo_runtime_codex.store import Store

ROLLOUTS = Path(__file__).parent / "fixtures" / "rollouts"
ID = "01a20c11-629f-70d3-8b58-076a1a7e33a3"
REVISION = "01a20c9e-a62d-71e3-b049-cedc734d9e1e"


def file_of(home: Path, revision: str = "") -> Path:
    folder = home / "sessions" / "2026" / "11" / "24"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"rollout-2026-11-24T05-39-55-{ID}{revision}.jsonl"


def messages(home: Path, name: str) -> list[Message]:
    shutil.copy(ROLLOUTS / f"{name}.jsonl", file_of(home))
    found = asyncio.run(Store(home).messages(ID))
    assert found is not None
    return list(found)


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


def test_a_revision_replaces_what_follows_its_base(tmp_path: Path) -> None:
    messages(tmp_path, "resumed")
    rows = (ROLLOUTS / "resumed.jsonl").read_text().splitlines()
    second = next(n for n, row in enumerate(rows) if n > 2 and '"task_started"' in row)
    ordinal = int(rows[second].split('"ordinal":')[1].split(",")[0])
    base = f'{{"thread_id":"{ID}","end_ordinal_exclusive":{ordinal}}}'
    meta = f'{{"ordinal":{ordinal},"type":"session_meta","payload":{{"history_base":{base}}}}}'
    item = '{"type":"UserMessage","id":"u-2","content":[{"type":"text","text":"anew"}]}'
    said = f'{{"type":"item_completed","turn_id":"t-2","item":{item}}}'
    row = f'{{"ordinal":{ordinal + 1},"type":"event_msg","payload":{said}}}'
    file_of(tmp_path, f"_{REVISION}").write_text(f"{meta}\n{row}\n")
    found = asyncio.run(Store(tmp_path).messages(ID))
    assert found
    assert [message.role for message in found] == ["user", "assistant", "user"]
    assert found[-1].parts == (TextPart("anew"),)


def test_a_file_that_grows_is_read_on(tmp_path: Path) -> None:
    whole = (ROLLOUTS / "resumed.jsonl").read_bytes()
    store = Store(tmp_path)
    for cut in [*range(0, len(whole), 511), len(whole)]:
        file_of(tmp_path).write_bytes(whole[:cut])
        grown = asyncio.run(store.messages(ID))
        assert grown == asyncio.run(Store(tmp_path).messages(ID))
    assert len(grown or ()) == 4


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
