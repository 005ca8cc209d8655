"""Writes model calls and their sums. Every function runs inside the caller's transaction.

The same call may lie in several files, as after a fork of a session: only one of them counts.
"""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence

from xo_cowork_core.sdk import UsageRecord
from xo_cowork_core.services.clock import stamp

COLUMNS = (
    "key, place, session_id, agent_name, time, model_id, provider_id,"
    " input, output, reasoning, cache_read, cache_write, cost, tools"
)
MARKS = ", ".join("?" * 14)
FIGURES = ("input", "output", "reasoning", "cache_read", "cache_write")
# a call without a cost is priced when somebody asks: its figures are also summed apart
SUM_UP = (
    "INSERT INTO used SELECT session_id, substr(time, 1, 10), agent_name, model_id, provider_id, "  # noqa: S608
    + ", ".join(f"SUM({figure})" for figure in FIGURES)
    + ", TOTAL(cost), COUNT(*), "
    + ", ".join(f"SUM(iif(cost IS NULL, {figure}, 0))" for figure in FIGURES)
    + " FROM calls WHERE session_id = ? AND counted GROUP BY 2, 3, 4, 5"
)
TOOLS = (
    "SELECT substr(time, 1, 10), tools, COUNT(*) FROM calls"
    " WHERE session_id = ? AND counted AND tools <> '' GROUP BY 1, 2"
)
MOST_TOKENS = 10**12  # a wrong figure must not make sums overflow
MAX_COST = 1e9
Call = tuple[object, ...]


def code_of(text: str) -> int:
    """Return a number that stands for a text: an eighth of its room in tables and their keys."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def write_calls(
    connection: sqlite3.Connection,
    place: str,
    agent_name: str,
    usage: Sequence[UsageRecord],
    session_id: str,
) -> None:
    """Make these the model calls of one file (or of one session without a file)."""
    number = code_of(place)
    made = (_call(each, number, agent_name, session_id) for each in usage)
    new = {call[0]: call for call in made}
    stored = connection.execute(
        f"SELECT {COLUMNS} FROM calls WHERE place = ?",  # noqa: S608
        (number,),
    )
    old: dict[object, Call] = {row[0]: row for row in stored}
    gone = [key for key in old if key not in new]
    changed = [call for key, call in new.items() if old.get(key) != call]
    if not gone and not changed:
        return
    touched = {str(old[key][2]) for key in gone}
    touched.update(str(call[2]) for call in changed)
    touched.update(str(old[call[0]][2]) for call in changed if call[0] in old)
    connection.executemany(
        "DELETE FROM calls WHERE key = ? AND place = ?", [(key, number) for key in gone]
    )
    connection.executemany(
        f"INSERT OR REPLACE INTO calls ({COLUMNS}) VALUES ({MARKS})",  # noqa: S608
        changed,
    )
    twins = connection.execute(
        "SELECT key FROM calls a WHERE place = ? AND EXISTS"
        " (SELECT 1 FROM calls b WHERE b.key = a.key AND b.place <> a.place)",
        (number,),
    ).fetchall()
    touched |= _settle(connection, [*gone, *(key for (key,) in twins)])
    for each in touched:
        sum_up(connection, each)


def forget_calls(connection: sqlite3.Connection, place: str) -> None:
    """Take a file's calls out."""
    write_calls(connection, place, "", (), "")


def _call(call: UsageRecord, place: int, agent_name: str, session_id: str) -> Call:
    tokens = call.tokens
    figures = (
        tokens.input,
        tokens.output,
        tokens.reasoning,
        tokens.cache_read,
        tokens.cache_write,
    )
    cost = call.cost
    return (
        code_of(f"{agent_name}:{call.key}"),
        place,
        call.session_id or session_id,
        agent_name,
        stamp(call.time),
        call.model_id,
        call.provider_id,
        *(figures if min(figures) >= 0 and max(figures) <= MOST_TOKENS else _clamped(figures)),
        # also false for what is no number at all
        float(cost) if cost is not None and 0 <= cost <= MAX_COST else None,
        "\n".join(call.tools),
    )


def _clamped(figures: Sequence[int]) -> list[int]:
    return [min(max(figure, 0), MOST_TOKENS) for figure in figures]


def _settle(connection: sqlite3.Connection, keys: Iterable[object]) -> set[str]:
    """Let one of each call's places count: that with most output, which saw its end. Return the
    sessions whose sums that changes."""
    touched: set[str] = set()
    for key in keys:
        twins = connection.execute(
            "SELECT place, session_id, counted FROM calls WHERE key = ?"
            " ORDER BY output DESC, session_id, place",
            (key,),
        ).fetchall()
        for rank, (place, session_id, counted) in enumerate(twins):
            if counted != (rank == 0):
                touched.add(session_id)
                connection.execute(
                    "UPDATE calls SET counted = ? WHERE key = ? AND place = ?",
                    (rank == 0, key, place),
                )
    return touched


def sum_up(connection: sqlite3.Connection, session_id: str) -> None:
    """Make the sums of one session's days and models anew."""
    own = (session_id,)
    connection.execute("DELETE FROM used WHERE session_id = ?", own)
    connection.execute("DELETE FROM tooled WHERE session_id = ?", own)
    connection.execute(SUM_UP, own)
    tools: Counter[tuple[str, str]] = Counter()
    for day, named, calls in connection.execute(TOOLS, own):
        for tool in named.split("\n"):
            tools[day, tool] += calls
    connection.executemany(
        "INSERT INTO tooled VALUES (?, ?, ?, ?)",
        [(day, session_id, tool, count) for (day, tool), count in tools.items()],
    )
