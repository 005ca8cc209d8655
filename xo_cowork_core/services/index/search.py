"""Full-text search over titles and messages, best first, one hit a session."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from xo_cowork_core.services.index.message_rows import message_text
from xo_cowork_core.services.index.queries import COLUMNS, Session, session_of
from xo_cowork_core.services.index.schema import BLOCK_MESSAGES
from xo_cowork_core.services.index.snippets import WORD, mark_matches, pattern_of

MAX_MATCHES = 2000
MAX_RANKED = 400
# SQLite takes no longer patterns, and no deeper expressions, than some ten times as much
MAX_CHARACTERS = 4000
MAX_WORDS = 64
BEST = (
    "SELECT s.session_id, w.rowid FROM ("  # noqa: S608
    " SELECT rowid, rank FROM messages_fts WHERE messages_fts MATCH ?"
    f") w JOIN message_blocks b ON b.block_id = w.rowid / {BLOCK_MESSAGES}"
    " JOIN sessions s USING (session_key) WHERE s.hidden = 0 ORDER BY w.rank"
)
NEWEST = (
    "SELECT s.session_id, MIN(b.block_id) FROM json_each(?) w"
    " JOIN message_blocks b ON b.block_id = w.value JOIN sessions s USING (session_key)"
    " WHERE s.hidden = 0 GROUP BY s.session_key ORDER BY s.time_updated DESC"
)


class Hit(NamedTuple):
    """A session with an excerpt around its best match: HTML-escaped, matches in `<mark>`. None
    where nothing was searched for."""

    session: Session
    snippet: str | None


def search(
    connection: sqlite3.Connection, text: str, *, limit: int, offset: int
) -> tuple[int, list[Hit]]:
    """Return how many sessions match all words of `text`, and a page of them.

    Sessions whose title holds every word come first, then the best matches; where more than
    `MAX_RANKED` messages match, the newest sessions. The last word matches as a prefix,
    where it is not very common itself. Of very common words only `MAX_MATCHES` messages count, of
    a long text its first words.
    """
    words = WORD.findall(text[:MAX_CHARACTERS])[:MAX_WORDS]
    if not words:
        return 0, []
    matches = _sessions(connection, words)
    page = matches[offset : offset + limit]
    return len(matches), [hit for match in page if (hit := _hit(connection, words, *match))]


def _sessions(connection: sqlite3.Connection, words: Sequence[str]) -> list[tuple[str, int | None]]:
    """Return session ids with the rowid of their best message, None for a match in the title."""
    conditions = " AND ".join("title LIKE ? ESCAPE '\\'" for _ in words)
    titles = connection.execute(
        f"SELECT session_id FROM sessions WHERE hidden = 0 AND {conditions}"  # noqa: S608
        " ORDER BY time_updated DESC LIMIT ?",
        [*(f"%{_escaped(word)}%" for word in words), MAX_MATCHES],
    )
    sessions: dict[str, int | None] = {session_id: None for (session_id,) in titles}
    for session_id, rowid in _messages(connection, words):
        sessions.setdefault(session_id, rowid)
    return list(sessions.items())


def _messages(connection: sqlite3.Connection, words: Sequence[str]) -> list[tuple[str, int]]:
    """Return sessions with the rowid of a message that matches. A rank is computed from every
    match, so it is only affordable among few."""
    match = _match(words)
    # a prefix is searched in full before its first match comes: not for a very common word
    rowids = _rowids(connection, match)
    if len(rowids) < MAX_MATCHES:
        match += "*"
        rowids = _rowids(connection, match)
    if len(rowids) <= MAX_RANKED:
        return connection.execute(BEST, (match,)).fetchall()
    first = {rowid // BLOCK_MESSAGES: rowid for rowid in rowids}
    sessions = connection.execute(NEWEST, (orjson.dumps(list(first)).decode(),))
    return [(session_id, first[block_id]) for session_id, block_id in sessions]


def _rowids(connection: sqlite3.Connection, match: str) -> list[int]:
    """Return the newest messages that match, with descending rowids."""
    rows = connection.execute(
        "SELECT rowid FROM messages_fts WHERE messages_fts MATCH ? ORDER BY rowid DESC LIMIT ?",
        (match, MAX_MATCHES),
    )
    return [rowid for (rowid,) in rows]


def _hit(
    connection: sqlite3.Connection, words: Sequence[str], session_id: str, rowid: int | None
) -> Hit | None:
    row = connection.execute(
        f"SELECT {COLUMNS} FROM sessions WHERE session_id = ?",  # noqa: S608
        (session_id,),
    ).fetchone()
    if row is None:
        return None
    session = session_of(row)
    text = session.title if rowid is None else message_text(connection, rowid)
    return Hit(session, mark_matches(text, pattern_of(words, whole=rowid is not None)))


def _match(words: Sequence[str]) -> str:
    """Quote every word, so that nothing in it is a query operator."""
    return " ".join(f'"{word}"' for word in words)


def _escaped(word: str) -> str:
    return "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in word)
