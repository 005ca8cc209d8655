"""The plugin author's page on histories in files: its plugin is indexed as described."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import page
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually, install_plugin

SESSION = "3a1c5f6e-6f0e-4f0e-9d0c-2f3b1c5a7e11"
SECONDS = 30.0


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Chat]:
    """A frontend of a server that has the page's runtime alone."""
    (source,) = [b.text for b in page("docs/plugins.md").blocks if "transcripts" in b.words]
    folder = install_plugin(tmp_path, "runtime_notes", source)
    with LiveServer(environment={"XO_PLUGINS": "runtime_notes"}, python_path=[folder]) as server:
        yield Chat(server, "notes")


def test_the_pages_transcripts_are_listed_searched_and_counted_while_they_grow(chat: Chat) -> None:
    file = chat.server.home / ".notes" / f"{SESSION}.jsonl"
    file.parent.mkdir()
    file.write_bytes(
        _row("user", "where is the zebra") + b"not a row\n" + _row("assistant", "h")[:9]
    )
    _wait_for(chat, "zebra", "where is the <mark>zebra</mark>")
    assert [message["text"] for message in chat.messages(SESSION)] == ["where is the zebra"]
    with file.open("ab") as grown:
        grown.write(b"\n" + _row("assistant", "behind the okapi", tokens=7))
    _wait_for(chat, "okapi", "behind the <mark>okapi</mark>")
    assert [message["role"] for message in chat.messages(SESSION)] == ["user", "assistant"]
    assert chat.http.get("/api/usage").json()["total_tokens"]["output"] == 7


def test_a_file_that_gets_shorter_is_read_again(chat: Chat) -> None:
    file = chat.server.home / ".notes" / f"{SESSION}.jsonl"
    file.parent.mkdir()
    file.write_bytes(_row("user", "one zebra") + _row("user", "two okapis"))
    _wait_for(chat, "okapis", "two <mark>okapis</mark>")
    file.write_bytes(_row("user", "one gnu"))
    _wait_for(chat, "gnu", "one <mark>gnu</mark>")
    assert [message["text"] for message in chat.messages(SESSION)] == ["one gnu"]


def test_the_frontend_pages_price_file_is_charged(chat: Chat) -> None:
    (prices,) = [b.text for b in page("docs/frontend.md").blocks if "prices" in b.words]
    (chat.server.state / "prices.toml").write_text(prices.replace("my-model", "notes-1"))
    file = chat.server.home / ".notes" / f"{SESSION}.jsonl"
    file.parent.mkdir()
    file.write_bytes(_row("user", "zebra") + _row("assistant", "yes", tokens=1_000_000))
    _wait_for(chat, "zebra", "<mark>zebra</mark>")
    usage = chat.http.get("/api/usage").json()
    assert usage["total_cost_usd"] == tomllib.loads(prices)["my-model"]["output"]
    assert usage["unpriced_models"] == []


def _row(role: str, text: str, *, tokens: int = 0) -> bytes:
    time = "2026-11-24T08:00:00+00:00"
    row = {"role": role, "text": text, "time": time, "tokens": tokens}
    return json.dumps(row).encode() + b"\n"


def _wait_for(chat: Chat, query: str, snippet: str) -> None:
    def found() -> bool:
        answer = chat.http.get("/api/sessions/search", params={"q": query})
        return [row["snippet"] for row in answer.json()["sessions"]] == [snippet]

    eventually(found, SECONDS, f"{query} is found")
