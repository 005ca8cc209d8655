"""The CLI's own session files, whole, torn and branched, become sessions and messages."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from xo_cowork_core.sdk import NotFound, Tokens
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord, TextPart, ToolPart
from xo_runtime_claude.history.store import Store
from xo_runtime_claude.history.transcript import ClaudeTranscript

FIXTURES = Path(__file__).parent / "fixtures" / "sessions"
ID = "11111111-2222-4333-8444-555555555555"
Row = dict[str, object]


class PluginPaths:
    """Paths with the plugin's own folder alone."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def ensure_state_folder(self) -> Path:
        return self._state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "claude" / "projects" / "-home-someone-my-proj"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def store(tmp_path: Path, folder: Path) -> Store:
    state = tmp_path / "state"
    state.mkdir()
    return Store(tmp_path / "claude", PluginPaths(state))  # type: ignore[arg-type]


def row(kind: str, text: object, identity: str, parent: str | None, **more: object) -> Row:
    content = [{"type": "text", "text": text}] if isinstance(text, str) else text
    message = {"role": kind, "id": f"msg-{identity}", "content": content}
    base: Row = {"type": kind, "uuid": identity, "parentUuid": parent, "isSidechain": False}
    stamp = {"timestamp": "2026-11-24T05:00:00.000Z", "cwd": "/home/someone/my_proj"}
    return {**base, **stamp, "message": message, **more}


def write(folder: Path, rows: Sequence[Row | bytes], name: str = ID) -> Path:
    file = folder / f"{name}.jsonl"
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in rows]
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def recorded(folder: Path, name: str) -> None:
    shutil.copy(FIXTURES / f"{name}.jsonl", folder / f"{ID}.jsonl")


def messages(store: Store, session_id: str = ID) -> Sequence[Message]:
    found = asyncio.run(store.messages(session_id))
    assert found is not None
    return found


def texts(found: Sequence[Message]) -> list[str]:
    return ["".join(p.text for p in m.parts if isinstance(p, TextPart)) for m in found]


def session(store: Store) -> SessionRecord:
    found = asyncio.run(store.session(ID))
    assert found
    return found


PLAIN = [row("user", "hello", "u1", None), row("assistant", "hi", "a1", "u1")]


def test_a_real_session_has_its_turns(folder: Path, store: Store) -> None:
    recorded(folder, "warm_session")
    found = messages(store)
    assert [message.role for message in found] == ["user", "assistant"] * 6
    assert texts(found)[1] == "one two three "
    assert found[-1].error == "API Error: 400 fake upstream error 400"
    assert found[-1].finish == "error"


@pytest.mark.parametrize("name", sorted(file.stem for file in FIXTURES.glob("*.jsonl")))
def test_an_outline_has_the_same_messages_and_texts(name: str) -> None:
    transcript = ClaudeTranscript(FIXTURES / f"{name}.jsonl")
    transcript.feed((FIXTURES / f"{name}.jsonl").read_bytes().split(b"\n"))

    def summary(messages: Sequence[Message]) -> list[tuple[object, ...]]:
        each = ([p for p in m.parts if isinstance(p, TextPart)] for m in messages)
        return [(m.id, m.role, m.time_created, p) for m, p in zip(messages, each, strict=True)]

    assert summary(transcript.outline()) == summary(transcript.messages()) != []


def test_results_are_attached_to_their_calls(folder: Path, store: Store) -> None:
    recorded(folder, "warm_session")
    tools = [p for message in messages(store) for p in message.parts if isinstance(p, ToolPart)]
    assert [(tool.tool, tool.status) for tool in tools] == [
        ("write", "completed"),
        ("bash", "error"),
    ]
    assert tools[0].metadata["created"] is True
    assert tools[0].time_end
    assert tools[1].output == "The user said no"


def test_usage_of_an_answer_in_several_rows_counts_once(folder: Path, store: Store) -> None:
    recorded(folder, "warm_session")
    assert messages(store)[3].tokens == Tokens(input=13756 + 13875, output=9)


def test_messages_that_no_person_wrote_are_hidden(folder: Path, store: Store) -> None:
    recorded(folder, "queue_skill_question_subagent")
    user_texts = [
        t for t, m in zip(texts(messages(store)), messages(store), strict=True) if m.role == "user"
    ]
    assert user_texts[2] == "/greet Bob [[text n=2 hello bob]]"
    assert user_texts[4] == "/context"
    assert not any("<" in text for text in user_texts)
    assert not any("Base directory" in text for text in texts(messages(store)))


def test_an_interruption_is_no_message(folder: Path, store: Store) -> None:
    recorded(folder, "interrupted_tool")
    assert [message.role for message in messages(store)] == ["user", "assistant"]


def test_a_resumed_session_is_one_conversation(folder: Path, store: Store) -> None:
    recorded(folder, "plain_then_resumed")
    assert texts(messages(store))[1::2] == ["first turn here ", "second turn here ", "hi"]
    assert [m.tokens.output for m in messages(store) if m.tokens] == [3, 3, 1]
    assert session(store).message_count == 6


def test_a_refused_key_is_the_answers_error(folder: Path, store: Store) -> None:
    recorded(folder, "error_401")
    _, answer = messages(store)
    assert (answer.parts, answer.finish) == ((), "error")
    assert answer.error == "Invalid API key · Fix external API key"


def test_a_written_file_is_a_tool_part_and_counts_as_usage(folder: Path, store: Store) -> None:
    recorded(folder, "tool_write")
    (tool,) = [p for m in messages(store) for p in m.parts if isinstance(p, ToolPart)]
    assert (tool.tool, tool.status, tool.title) == ("write", "completed", "z.txt")
    assert tool.metadata["created"] is True
    transcript = ClaudeTranscript(folder / f"{ID}.jsonl")
    transcript.feed((folder / f"{ID}.jsonl").read_bytes().split(b"\n"))
    assert [(call.tokens.output, call.tools) for call in transcript.usage()] == [
        (3, ("write",)),
        (2, ()),
    ]


def test_the_project_context_is_cut_off(folder: Path, store: Store) -> None:
    context = "\n\n---\n\n> **Project context**\nsecret plans"
    write(folder, [row("user", f"fix it{context}", "u1", None), PLAIN[1]])
    assert texts(messages(store))[0] == "fix it"
    assert session(store).title == "fix it"


def test_a_title_is_one_line_of_eighty(folder: Path, store: Store) -> None:
    write(folder, [row("user", "word \n" * 50, "u1", None)])
    title = session(store).title
    assert len(title) <= 80
    assert title.endswith("…")
    assert "\n" not in title


@pytest.mark.parametrize(
    "bad",
    [
        b'{"type":"user","parentUuid":null,"uu',
        b'[1, "parentUuid"]',
        b'"parentUuid"',
        b'{"parentUuid":1,"uuid":2}',
        b'\xff\xfe"parentUuid"',
        b'{"type":"assistant","uuid":"b1","parentUuid":"a1","message":null}',
        b'{"type":"assistant","uuid":"b1","parentUuid":"a1","message":{"content":null}}',
        b'{"type":"assistant","uuid":"b1","parentUuid":"a1","message":{"content":"bare"}}',
        b'{"type":"user","uuid":"b1","parentUuid":"a1","message":{"content":[null,7,{}]}}',
        b'{"type":"assistant","uuid":"b1","parentUuid":"b1","message":{"content":[]}}',
    ],
)
def test_broken_lines_are_skipped(folder: Path, store: Store, bad: bytes) -> None:
    write(folder, [bad, *PLAIN, bad])
    found = messages(store)
    assert [text for text, m in zip(texts(found), found, strict=True) if m.role == "user"] == [
        "hello"
    ]
    assert any(text.startswith("hi") for text in texts(found))
    assert session(store).title == "hello"


def test_a_line_separator_inside_a_text_splits_nothing(folder: Path, store: Store) -> None:
    text = "a\u2028b\u0085c\x0bd"
    line = json.dumps(row("user", text, "u1", None), ensure_ascii=False).encode()
    write(folder, [line, PLAIN[1]])
    assert texts(messages(store))[0] == text


def test_the_same_words_twice_are_two_messages(folder: Path, store: Store) -> None:
    more = [row("user", "hello", "u2", "a1"), row("assistant", "hi", "a2", "u2")]
    write(folder, [*PLAIN, *more])
    assert texts(messages(store)) == ["hello", "hi"] * 2


def test_only_the_current_branch_is_returned(folder: Path, store: Store) -> None:
    dead = [row("user", "old", "u2", "a1"), row("assistant", "old answer", "a2", "u2")]
    alive = [row("user", "new", "u3", "a1"), row("assistant", "new answer", "a3", "u3")]
    write(folder, [*PLAIN, *dead, *alive])
    assert texts(messages(store)) == ["hello", "hi", "new", "new answer"]


def test_results_of_parallel_tools_are_kept(folder: Path, store: Store) -> None:
    def call(name: str, parent: str) -> Row:
        block = [{"type": "tool_use", "id": name, "name": "Read", "input": {}}]
        return row("assistant", block, f"call-{name}", parent)

    def result(name: str) -> Row:
        block = [{"type": "tool_result", "tool_use_id": name, "content": f"got {name}"}]
        return row("user", block, f"result-{name}", f"call-{name}")

    calls = [call("x", "a1"), call("y", "call-x"), result("x"), result("y")]
    end = row("assistant", "both", "a2", "result-y")
    write(folder, [*PLAIN, *calls, end])
    tools = [p for p in messages(store)[1].parts if isinstance(p, ToolPart)]
    assert [tool.output for tool in tools] == ["got x", "got y"]


def test_a_lost_parent_hides_nothing(folder: Path, store: Store) -> None:
    more = [row("user", "again", "u2", "lost"), row("assistant", "yes", "a2", "u2")]
    write(folder, [*PLAIN, *more])
    assert texts(messages(store)) == ["hello", "hi", "again", "yes"]


def test_a_subagents_rows_are_left_out(folder: Path, store: Store) -> None:
    side = row("assistant", "aside", "s1", "u1", isSidechain=True)
    write(folder, [PLAIN[0], side, PLAIN[1]])
    assert texts(messages(store)) == ["hello", "hi"]


def test_a_session_has_its_folder(folder: Path, store: Store) -> None:
    write(folder, PLAIN)
    found = session(store)
    assert (found.session_id, found.title) == (ID, "hello")
    assert (found.directory, found.message_count) == ("/home/someone/my_proj", 2)


def test_a_file_of_no_use_is_no_session(folder: Path, store: Store) -> None:
    write(folder, [b"nothing of use"])
    assert asyncio.run(store.session(ID)) is None


def test_an_id_is_no_path(folder: Path, store: Store) -> None:
    write(folder, PLAIN)
    for name in ("../x", "*", f"*{ID[1:]}", ""):
        assert asyncio.run(store.messages(name)) is None
    assert asyncio.run(store.messages(ID.replace("1", "7"))) is None


def test_a_drop_shows_at_once(folder: Path, store: Store) -> None:
    more = [row("user", "two", "u2", "a1"), row("assistant", "2", "a2", "u2")]
    write(folder, [*PLAIN, *more])
    asyncio.run(store.drop(ID, "u2"))
    assert texts(messages(store)) == ["hello", "hi"]
    assert store.resume_point(ID) == "a1"


@pytest.mark.parametrize("message_id", ["a1", "nobody"])
def test_only_a_users_message_can_be_dropped(folder: Path, store: Store, message_id: str) -> None:
    write(folder, PLAIN)
    with pytest.raises(NotFound):
        asyncio.run(store.drop(ID, message_id))
    assert texts(messages(store)) == ["hello", "hi"]


def test_the_first_message_takes_the_file_to_the_trash(
    folder: Path, store: Store, tmp_path: Path
) -> None:
    file = write(folder, PLAIN)
    before = file.read_bytes()
    asyncio.run(store.drop(ID, "u1"))
    assert not file.exists()
    (trashed,) = (tmp_path / "state" / "trash").iterdir()
    assert trashed.read_bytes() == before


def test_messages_before_a_compaction_are_kept(folder: Path, store: Store) -> None:
    boundary = {**row("system", [], "c1", None), "logicalParentUuid": "a1"}
    summary = row("user", "This session is being continued", "c2", "c1", isCompactSummary=True)
    more = [row("user", "on", "u2", "c2"), row("assistant", "yes", "a2", "u2")]
    write(folder, [*PLAIN, boundary, summary, *more])
    assert texts(messages(store)) == ["hello", "hi", "on", "yes"]
