"""What turns of three runtimes leave under the projects root: none of their words, no key."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.fakes.claude_cli import claude_prompts
from tests.fakes.codex_cli import codex_prompts
from tests.fakes.openclaw_gateway import openclaw_prompts
from tests.fakes.openclaw_gateway.openclaw_prompts import GatewayProcess
from tests.support.planted_words import KEY, find_traces, planted_word
from xo_cowork_core.sdk.testing import Chat, LiveServer, Recording, eventually

SECONDS = 15.0
NOTE = "note.md"
PRESETS = {"file_changes": True, "run_commands": True}
# assembled by the shell, so that the output is not in the prompt
OUTPUT = f"""python3 -c 'import os; print("{planted_word("out")}" + "put", os.environ.get("%s"))'"""
CLAUDE_KEY, CODEX_KEY, OPENCLAW_KEY = "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY", "A_KEY"
PROMPTS = {
    "claude_code": (
        claude_prompts.text(planted_word("answer")),
        f"[[think {planted_word('thought')} && text thought]]",
        f"{claude_prompts.tool('Bash', command=OUTPUT % CLAUDE_KEY)} [[text ran]]",
        claude_prompts.tool("Write", file_path=NOTE, content=planted_word("content"))
        + " [[text ok]]",
    ),
    "codex": (
        codex_prompts.text(planted_word("answer")),
        f"[[think {planted_word('thought')} && text thought]]",
        f"{codex_prompts.command(OUTPUT % CODEX_KEY)} [[text ran]]",
        f"{codex_prompts.patch(NOTE, planted_word('content'))} [[text ok]]",
    ),
    "openclaw": (
        openclaw_prompts.say(planted_word("answer")),
        f"{openclaw_prompts.tool('exec', command=OUTPUT % OPENCLAW_KEY)} [[text ran]]",
        f"{openclaw_prompts.tool('write', path=NOTE, content=planted_word('content'))} [[text ok]]",
    ),
}


@pytest.fixture
def server(
    request: pytest.FixtureRequest, openclaw: GatewayProcess, tmp_path: Path
) -> Iterator[LiveServer]:
    """A server with three runtimes, whose env files hold planted keys."""
    claude, codex = claude_prompts.FAKE_CLI, codex_prompts.FAKE_CLI
    if openclaw.real:
        claude = request.getfixturevalue("real_claude")
        codex = codex_prompts.real_codex() or pytest.skip(codex_prompts.ABSENT)
    with claude_prompts.model_api() as claude_port, codex_prompts.responses_api() as codex_port:
        values = {
            "XO_PLUGINS": "runtime_claude,runtime_codex,runtime_openclaw",
            "OTHER_KEY": f"{KEY}-of-the-server",
            **claude_prompts.environment(claude, claude_port, tmp_path / "claude"),
            **codex_prompts.environment(codex, codex_port, tmp_path / "codex"),
            **openclaw_prompts.environment(openclaw.url),
        }
        server = LiveServer(environment=values)
        files = {
            server.state / "env": (CLAUDE_KEY, CODEX_KEY),
            server.home / ".openclaw" / ".env": (OPENCLAW_KEY,),
        }
        for file, keys in files.items():
            file.parent.mkdir()
            file.write_text("".join(f"{key}={KEY}-of-{file.parent.name}\n" for key in keys))
        with server:
            yield server


def run_turns(server: LiveServer, agent_name: str) -> list[Recording]:
    chat = Chat(server, agent_name, f"of-{agent_name.replace('_', '-')}")
    turns: list[Recording] = []
    for prompt in PROMPTS[agent_name]:
        more = {"session_id": turns[-1].session_id} if turns else {}
        text = f"{planted_word('prompt')} {prompt}"
        turns.append(chat.run_turn(text, seconds=60, permission_presets=PRESETS, **more))
        assert turns[-1].terminal.event == "done", turns[-1].terminal
    assert turns[0].text == planted_word("answer")
    assert planted_word("output") in str(turns[-2].bodies("tool-result"))
    assert (chat.folder / NOTE).read_text().strip() == planted_word("content")
    (chat.folder / NOTE).unlink()
    eventually(lambda: ends(chat) == len(turns), SECONDS, "every turn is written down")
    return turns


def ends(chat: Chat) -> int:
    path = chat.folder / ".xo" / "timeline.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["type"] for line in lines].count("session.ended")


def test_no_word_of_three_runtimes_turns_is_found_under_the_projects_root(
    server: LiveServer, tmp_path: Path
) -> None:
    for agent_name in PROMPTS:
        turns = run_turns(server, agent_name)
        if agent_name != "openclaw":  # its gateway has an environment of its own
            assert f"{KEY}-of-.xo-cowork" in str(turns[-2].bodies("tool-result"))
    assert list(find_traces(server.projects)) == []
    server.terminate()
    assert list(find_traces(server.projects)) == []
    # it is stored in another folder, so the search can find it
    assert any("state.db" in trace for trace in find_traces(server.state))
    for home in ("claude", "codex"):
        assert list(find_traces(tmp_path / home))


@pytest.mark.parametrize("word", [planted_word("prompt"), f"{KEY}-of-the-server"])
def test_the_search_finds_every_form(tmp_path: Path, word: str) -> None:
    text = json.dumps({"text": f"so {word} said"})
    kept = {
        "raw": f"so {word} said".encode(),
        "json": text.encode(),
        "twice": json.dumps(text).encode(),
        "wide": word.encode("utf-16"),
        "url": quote(word).encode(),
        "hex": word.encode().hex().encode(),
        **{f"base64-{n}": base64.b64encode(b"x" * n + word.encode() + b"yz") for n in range(4)},
    }
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)
    with sqlite3.connect(tmp_path / "book.db") as book:
        book.execute("PRAGMA journal_mode=WAL")
        book.execute("CREATE TABLE words (word)")
        book.execute("INSERT INTO words VALUES (?)", (word,))
        book.commit()
        assert (tmp_path / "book.db-wal").stat().st_size
        found = {Path(trace.partition(": ")[0]).name for trace in find_traces(tmp_path)}
    book.close()
    assert found == {*kept, "book.db-wal"}
