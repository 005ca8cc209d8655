"""Writes model calls and their daily sums. Every function runs inside the caller's transaction.

The same call may lie in several files, as after a fork of a session: only one of them counts.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b

from xo_cowork_core.sdk.runtime.transcripts import UsageRecord
from xo_cowork_core.services.index.session_keys import session_key_of

COLUMNS = (
    "key, session_key, model_key, time_ms,"
    " input, output, reasoning, cache_read, cache_write, cost, tools"
)
PLACEHOLDERS = ", ".join("?" * 12)
SESSION = 1  # the place of a call's session key among its columns
FIGURES = ("input", "output", "reasoning", "cache_read", "cache_write")
DAY = "date(time_ms / 1000, 'unixepoch')"
# a call without a cost is priced when a report is made: its figures are also summed apart
SUM_USAGE = (
    f"INSERT INTO usage_daily SELECT s.session_id, {DAY}, agent_name, model_id, provider_id, "  # noqa: S608
    + ", ".join(f"SUM({figure})" for figure in FIGURES)
    + ", TOTAL(cost), COUNT(*), "
    + ", ".join(f"SUM(iif(cost IS NULL, {figure}, 0))" for figure in FIGURES)
    + " FROM calls JOIN models USING (model_key) JOIN session_keys s USING (session_key)"
    " WHERE session_key = ? AND counted GROUP BY 1, 2, 3, 4, 5"
)
COUNT_TOOLS = (
    f"SELECT {DAY}, tools, COUNT(*) FROM calls"  # noqa: S608
    " WHERE session_key = ? AND counted AND tools <> '' GROUP BY 1, 2"
)
EPOCH = datetime.fromtimestamp(0, UTC)
MILLISECOND = timedelta(milliseconds=1)
MAX_TOKENS = 10**12  # a wrong figure must not make sums overflow
MAX_COST = 1e9
Call = tuple[object, ...]


def hash_of(text: str) -> int:
    """Return a 63-bit hash of a text, an eighth of its size in tables and indexes."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def milliseconds_of(moment: datetime) -> int:
    """Return a moment as `calls.time_ms` holds it."""
    return (moment.astimezone(UTC) - EPOCH) // MILLISECOND


def time_of(milliseconds: int) -> datetime:
    """Return the moment that `calls.time_ms` holds."""
    return EPOCH + milliseconds * MILLISECOND


def write_calls(
    connection: sqlite3.Connection,
    place: str,
    agent_name: str,
    usage: Sequence[UsageRecord],
    session_id: str,
) -> None:
    """Replace the model calls of one file (or of one session without a file)."""
    place_hash = hash_of(place)
    new = _calls(connection, agent_name, usage, session_id)
    stored = connection.execute(
        f"SELECT {COLUMNS} FROM calls WHERE place = ?",  # noqa: S608
        (place_hash,),
    )
    old: dict[object, Call] = {row[0]: row for row in stored}
    deleted = [key for key in old if key not in new]
    changed = [call for key, call in new.items() if old.get(key) != call]
    if not deleted and not changed:
        return
    sessions = {old[key][SESSION] for key in deleted}
    sessions.update(call[SESSION] for call in changed)
    sessions.update(old[call[0]][SESSION] for call in changed if call[0] in old)
    connection.executemany(
        "DELETE FROM calls WHERE key = ? AND place = ?", [(key, place_hash) for key in deleted]
    )
    connection.executemany(
        f"INSERT OR REPLACE INTO calls (place, {COLUMNS}) VALUES ({PLACEHOLDERS})",  # noqa: S608
        [(place_hash, *call) for call in changed],
    )
    copies = connection.execute(
        "SELECT key FROM calls a WHERE place = ? AND EXISTS"
        " (SELECT 1 FROM calls b WHERE b.key = a.key AND b.place <> a.place)",
        (place_hash,),
    ).fetchall()
    sessions |= _choose_counted(connection, [*deleted, *(key for (key,) in copies)])
    for session_key in sessions:
        write_sums(connection, session_key)


def delete_calls(connection: sqlite3.Connection, place: str) -> None:
    """Delete a file's calls."""
    write_calls(connection, place, "", (), "")


def _calls(
    connection: sqlite3.Connection, agent_name: str, usage: Sequence[UsageRecord], session_id: str
) -> dict[object, Call]:
    """Return rows with `COLUMNS` by key; of calls with one key the last."""

    @cache
    def session_key(session_id: str) -> int:
        return session_key_of(connection, session_id)

    @cache
    def model_key(model_id: str, provider_id: str) -> int:
        return _model_key(connection, agent_name, model_id, provider_id)

    rows: dict[object, Call] = {}
    for call in usage:
        row = _call(call, agent_name, session_key(call.session_id or session_id), model_key)
        rows[row[0]] = row
    return rows


def _call(
    call: UsageRecord, agent_name: str, session_key: int, model_key: Callable[[str, str], int]
) -> Call:
    tokens, cost = call.tokens, call.cost
    figures = (
        tokens.input,
        tokens.output,
        tokens.reasoning,
        tokens.cache_read,
        tokens.cache_write,
    )
    return (
        hash_of(f"{agent_name}:{call.key}"),
        session_key,
        model_key(call.model_id, call.provider_id),
        milliseconds_of(call.time),
        *(figures if min(figures) >= 0 and max(figures) <= MAX_TOKENS else _clamped(figures)),
        # also false for what is no number
        float(cost) if cost is not None and 0 <= cost <= MAX_COST else None,
        "\n".join(call.tools),
    )


def _clamped(figures: Sequence[int]) -> list[int]:
    return [min(max(figure, 0), MAX_TOKENS) for figure in figures]


def _model_key(
    connection: sqlite3.Connection, agent_name: str, model_id: str, provider_id: str
) -> int:
    names = (agent_name, model_id, provider_id)
    row = connection.execute(
        "SELECT model_key FROM models WHERE agent_name = ? AND model_id = ? AND provider_id = ?",
        names,
    ).fetchone()
    if row:
        return int(row[0])
    cursor = connection.execute(
        "INSERT INTO models (agent_name, model_id, provider_id) VALUES (?, ?, ?)", names
    )
    return int(cursor.lastrowid or 0)


def _choose_counted(connection: sqlite3.Connection, keys: Iterable[object]) -> set[object]:
    """Count one copy of each call: that with most output, which has its end. Return the sessions
    whose sums that changes."""
    sessions: set[object] = set()
    for key in keys:
        copies = connection.execute(
            "SELECT call_id, session_key, counted FROM calls JOIN session_keys USING (session_key)"
            " WHERE key = ? ORDER BY output DESC, session_id, place",
            (key,),
        ).fetchall()
        for rank, (call_id, session_key, counted) in enumerate(copies):
            if counted != (rank == 0):
                sessions.add(session_key)
                connection.execute(
                    "UPDATE calls SET counted = ? WHERE call_id = ?", (rank == 0, call_id)
                )
    return sessions


def write_sums(connection: sqlite3.Connection, session_key: object) -> None:
    """Replace the daily sums of one session, and mark its project dirty."""
    own = (session_key,)
    (session_id,) = connection.execute(
        "SELECT session_id FROM session_keys WHERE session_key = ?", own
    ).fetchone()
    connection.execute("DELETE FROM usage_daily WHERE session_id = ?", (session_id,))
    connection.execute("DELETE FROM tools_daily WHERE session_id = ?", (session_id,))
    connection.execute(SUM_USAGE, own)
    counts: Counter[tuple[str, str]] = Counter()
    for day, tools, calls in connection.execute(COUNT_TOOLS, own):
        for tool in tools.split("\n"):
            counts[day, tool] += calls
    connection.executemany(
        "INSERT INTO tools_daily VALUES (?, ?, ?, ?)",
        [(day, session_id, tool, count) for (day, tool), count in counts.items()],
    )
    connection.execute(
        "REPLACE INTO dirty_projects SELECT agent_id, random() FROM sessions"
        " WHERE session_key = ? AND agent_id IS NOT NULL",
        own,
    )
