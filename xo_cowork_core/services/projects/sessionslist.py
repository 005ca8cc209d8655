"""`sessions/sessionslist.json`: which sessions ran in a project, by a key of other tools' making.

Rows of other writers stay as they are. A directory is relative to the project: the folder may be
shared, and where it lies is nobody's business.
"""

from collections.abc import Sequence

from xo_cowork_core.services.projects.facts import Fact, SessionEnded, SessionOpened
from xo_cowork_core.services.projects.records import (
    Record,
    as_record,
    count_of,
    record_to_change,
    write_record,
)
from xo_cowork_core.storage.folder import Folder

FOLDER = "sessions"
FILE = "sessionslist.json"
MOST_ROWS = 2000


def note_sessions(xo: Folder, project_id: str, facts: Sequence[Fact]) -> None:
    """Add or update the rows of the sessions that opened or ended."""
    told = [fact for fact in facts if isinstance(fact, SessionOpened | SessionEnded)]
    if not told:
        return
    with xo.folder(FOLDER, make=True) as folder:
        rows = record_to_change(folder, FILE)
        known = {as_record(row).get("sessionId"): key for key, row in rows.items()}
        for fact in told:
            key = known.get(fact.session_id) or _key(rows, project_id, fact)
            known[fact.session_id] = key
            # the newest comes last
            rows[key] = _row(as_record(rows.pop(key, None)), fact)
        write_record(folder, FILE, dict(list(rows.items())[-MOST_ROWS:]), durable=False)


def _key(rows: Record, project_id: str, fact: Fact) -> str:
    short = f"{fact.runtime}:{project_id}:web:{fact.session_id[:8]}"
    return short if short not in rows else f"{fact.runtime}:{project_id}:web:{fact.session_id}"


def _row(row: Record, fact: SessionOpened | SessionEnded) -> Record:
    row |= {
        "sessionId": fact.session_id,
        "nativeSessionId": row.get("nativeSessionId") or fact.session_id,
        "backend": fact.runtime,
        "directory": fact.directory,
        "updatedAt": int(fact.moment.timestamp() * 1000),
    }
    usage = as_record(row.get("usage"))
    spent = _spent(fact)
    row["usage"] = usage | {key: count_of(usage, key) + value for key, value in spent.items()}
    return row


def _spent(fact: SessionOpened | SessionEnded) -> dict[str, float]:
    if isinstance(fact, SessionOpened):
        return dict.fromkeys(("input_tokens", "output_tokens"), 0)
    return {
        "input_tokens": fact.tokens.input,
        "output_tokens": fact.tokens.output,
        "cache_creation_input_tokens": fact.tokens.cache_write,
        "cache_read_input_tokens": fact.tokens.cache_read,
        "cost": fact.cost or 0.0,
    }
