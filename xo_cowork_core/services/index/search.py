"""Full-text search over titles and messages, best first, one hit a session."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from xo_cowork_core.services.index.queries import COLUMNS, Session, session_of
from xo_cowork_core.services.index.snippets import WORD, marked, pattern_of

MOST_HITS = 2000
MOST_RANKED = 400
# SQLite takes no longer patterns, and no deeper expressions, than some ten times as much
MOST_CHARACTERS = 4000
MOST_WORDS = 64


@dataclass(frozen=True, slots=True)
class Hit:
    """A session with the words around its best match: HTML-escaped, matches in `<mark>`."""

    session: Session
    snippet: str


def search(
    connection: sqlite3.Connection, text: str, *, limit: int, offset: int
) -> tuple[int, list[Hit]]:
    """Return how many sessions match all words of `text`, and a page of them.

    Sessions whose title holds every word come first, then the best matches; where more than
    `MOST_RANKED` messages match, the newest sessions. The last word matches as a prefix. Of very
    common words only `MOST_HITS` messages count, of a long text its first words.
    """
    words = WORD.findall(text[:MOST_CHARACTERS])[:MOST_WORDS]
    if not words:
        return 0, []
    best = _best(connection, words)
    page = best[offset : offset + limit]
    return len(best), [hit for each in page if (hit := _hit(connection, words, *each))]


def _best(connection: sqlite3.Connection, words: Sequence[str]) -> list[tuple[str, int | None]]:
    """Session ids with the message that matched best, None for a match in the title."""
    found: dict[str, int | None] = {}
    likes = " AND ".join("title LIKE ? ESCAPE '\\'" for _ in words)
    titles = connection.execute(
        f"SELECT session_id FROM sessions WHERE hidden = 0 AND {likes}"  # noqa: S608
        " ORDER BY time_updated DESC LIMIT ?",
        [*(f"%{_escaped(word)}%" for word in words), MOST_HITS],
    )
    found.update({session_id: None for (session_id,) in titles})
    for session_id, message in _messages(connection, _match(words)):
        found.setdefault(session_id, message)
    return list(found.items())


def _messages(connection: sqlite3.Connection, match: str) -> list[tuple[str, int]]:
    """Matching messages with their sessions. A rank is only worth its price among a few: it is
    made of every match there is."""
    few = connection.execute(
        "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", (match, MOST_RANKED + 1)
    ).fetchall()
    ranked = len(few) <= MOST_RANKED
    inner, outer = ("rank", "w.rank") if ranked else ("rowid DESC", "s.time_updated DESC, m.id")
    return connection.execute(
        "SELECT m.session_id, m.id FROM ("  # noqa: S608
        f"  SELECT rowid{', rank' if ranked else ''} FROM words WHERE words MATCH ?"
        f"  ORDER BY {inner} LIMIT ?"
        ") w JOIN messages m ON m.id = w.rowid"
        f" JOIN sessions s ON s.session_id = m.session_id AND s.hidden = 0 ORDER BY {outer}",
        (match, MOST_HITS),
    ).fetchall()


def _hit(
    connection: sqlite3.Connection, words: Sequence[str], session_id: str, message: int | None
) -> Hit | None:
    row = connection.execute(
        f"SELECT {COLUMNS} FROM sessions WHERE session_id = ?",  # noqa: S608
        (session_id,),
    ).fetchone()
    if row is None:
        return None
    session = session_of(row)
    text: str = session.title
    if message is not None:
        found = connection.execute("SELECT text FROM messages WHERE id = ?", (message,)).fetchone()
        text = found[0] if found else ""
    return Hit(session, marked(text, pattern_of(words, whole=message is not None)))


def _match(words: Sequence[str]) -> str:
    """Quote every word, so that nothing in it is a query operator."""
    return " ".join(f'"{word}"' for word in words) + "*"


def _escaped(word: str) -> str:
    return "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in word)
