"""Search over indexed messages: order, prefixes, very common words, snippets."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from xo_cowork_core.sdk.runtime.history import Message, TextPart
from xo_cowork_core.services.index import schema, search
from xo_cowork_core.services.index.indexed_messages import indexed_messages
from xo_cowork_core.services.index.session_rows import (
    NO_FLAGS,
    Flags,
    SessionRow,
    delete_session,
    write_session,
)

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for step in schema.STEPS:
            connection.executescript(step)
        yield connection


def write(
    connection: sqlite3.Connection,
    session_id: str,
    texts: Sequence[str],
    *,
    title: str = "A title",
    day: int = 0,
    flags: Flags = NO_FLAGS,
) -> None:
    time = (START + timedelta(days=day)).isoformat()
    row = SessionRow(session_id, "demo", None, title, time, time, len(texts))
    messages = [
        Message(f"{session_id}-{number}", "user", (TextPart(text),), START)
        for number, text in enumerate(texts)
    ]
    write_session(connection, row, indexed_messages(messages), flags, lambda _: None)


def found(connection: sqlite3.Connection, text: str) -> list[str]:
    total, hits = search.search(connection, text, limit=5000, offset=0)
    assert total == len(hits)
    return [hit.session.session_id for hit in hits]


def test_a_match_in_the_title_comes_before_matches_in_messages(
    connection: sqlite3.Connection,
) -> None:
    write(connection, "message", ["a wombat, a wombat"], day=2)
    write(connection, "title", ["other words"], title="The wombat", day=1)
    assert found(connection, "wombat") == ["title", "message"]


def test_the_message_that_is_most_about_a_word_comes_first(connection: sqlite3.Connection) -> None:
    write(connection, "long", ["wombat " + "and other animals " * 50], day=2)
    write(connection, "short", ["wombat wombat"], day=1)
    assert found(connection, "wombat") == ["short", "long"]


def test_of_a_common_word_the_newest_sessions_come_first(connection: sqlite3.Connection) -> None:
    for day in (3, 1, 2):
        write(connection, f"day-{day}", ["wombat"] * (search.MAX_RANKED // 2), day=day)
    assert found(connection, "wombat") == ["day-3", "day-2", "day-1"]


def test_a_word_in_every_session_finds_every_session(connection: sqlite3.Connection) -> None:
    ids = [f"session-{number:04}" for number in range(search.MAX_MATCHES)]
    for number, session_id in enumerate(ids):
        write(connection, session_id, ["wombat"], day=number % 300)
    assert sorted(found(connection, "wombat")) == ids
    assert sorted(found(connection, "womb")) == ids
    # that many whole words are enough: the longer ones are not searched
    write(connection, "longer", ["wombats"], day=400)
    assert sorted(found(connection, "wombat")) == ids


def test_the_last_word_matches_as_a_prefix_and_the_others_whole(
    connection: sqlite3.Connection,
) -> None:
    write(connection, "s", ["red wombats"])
    assert found(connection, "red womb") == ["s"]
    assert found(connection, "re wombats") == []


def test_a_message_that_changed_is_found_by_its_new_words_only(
    connection: sqlite3.Connection,
) -> None:
    texts = [f"message {number}" for number in range(3 * schema.BLOCK_MESSAGES)]
    write(connection, "s", texts)
    write(connection, "s", [*texts[:20], "wombat", *texts[21:]])
    assert found(connection, "wombat") == ["s"]
    assert found(connection, '"20"') == []
    assert found(connection, '"47"') == ["s"]
    delete_session(connection, "s")
    assert found(connection, "wombat") == []


def test_a_hidden_session_is_not_found(connection: sqlite3.Connection) -> None:
    write(connection, "s", ["wombat"], flags=Flags(hidden=True))
    assert found(connection, "wombat") == []


def test_a_snippet_comes_from_the_message_that_matches(connection: sqlite3.Connection) -> None:
    texts = [f"filler {number} <b>" for number in range(40)]
    write(connection, "s", [*texts, "before <i> Wömbat after", *texts])
    _, (hit,) = search.search(connection, "wombat", limit=9, offset=0)
    assert hit.snippet == "before &lt;i&gt; <mark>Wömbat</mark> after"
