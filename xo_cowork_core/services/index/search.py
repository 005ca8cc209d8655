"""Full-text search over titles and messages, best first, one hit a session."""

import html
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from xo_cowork_core.services.index.queries import COLUMNS, Session, session_of

WORD = re.compile(r"\w+")
OPEN, CLOSE = "\x02", "\x03"
SNIPPET_WORDS = 24
MOST_HITS = 2000
TITLE_RANK = -1000.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A session with the words around its best match: HTML-escaped, matches in `<mark>`."""

    session: Session
    snippet: str


def search(
    connection: sqlite3.Connection, text: str, *, limit: int, offset: int
) -> tuple[int, list[Hit]]:
    """Return how many sessions match all words of `text`, and a page of them.

    Sessions whose title holds every word come first. The last word matches as a prefix. Of very
    common words only the best `MOST_HITS` messages count.
    """
    words = WORD.findall(text)
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
    messages = connection.execute(
        "SELECT m.session_id, m.id FROM ("
        "  SELECT rowid, rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?"
        ") w JOIN messages m ON m.id = w.rowid"
        " JOIN sessions s ON s.session_id = m.session_id AND s.hidden = 0 ORDER BY w.rank",
        (_match(words), MOST_HITS),
    )
    for session_id, message in messages:
        found.setdefault(session_id, message)
    return list(found.items())


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
    if message is None:
        pattern = "|".join(re.escape(word) for word in words)
        marked = re.sub(f"({pattern})", f"{OPEN}\\1{CLOSE}", session.title, flags=re.IGNORECASE)
    else:
        marked = connection.execute(
            "SELECT snippet(words, 0, ?, ?, '…', ?) FROM words WHERE words MATCH ? AND rowid = ?",
            (OPEN, CLOSE, SNIPPET_WORDS, _match(words), message),
        ).fetchone()[0]
    return Hit(session, _shown(marked))


def _shown(marked: str) -> str:
    return html.escape(marked).replace(OPEN, "<mark>").replace(CLOSE, "</mark>")


def _match(words: Sequence[str]) -> str:
    """Quote every word, so that nothing in it is a query operator."""
    return " ".join(f'"{word}"' for word in words) + "*"


def _escaped(word: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", word)
