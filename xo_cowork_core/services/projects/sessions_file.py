"""`sessions/sessionslist.json`: which sessions ran in a project, by a key of other tools' making.

Rows of other writers stay as they are. A directory is relative to the project: the folder may be
shared, and where it lies is nobody's business.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from xo_cowork_core.services.projects.events import ProjectEvent, SessionEnded, SessionOpened
from xo_cowork_core.services.projects.project_stats import ProjectFigures
from xo_cowork_core.services.projects.records import (
    Record,
    as_record,
    count_of,
    record_to_change,
    write_record,
)
from xo_cowork_core.services.usage.sums import Sum
from xo_cowork_core.storage.folder_handle import FolderHandle

FOLDER = "sessions"
FILE = "sessionslist.json"
MOST_ROWS = 2000
Relative = Callable[[str], str | None]


def note_sessions(
    xo: FolderHandle,
    project_id: str,
    facts: Sequence[ProjectEvent],
    numbers: ProjectFigures | None,
    relative: Relative,
) -> None:
    """Add or update the rows of the sessions that opened or ended, or that the index counted.

    `relative` says where in the project a directory is, None when it lies outside.
    """
    told = [fact for fact in facts if isinstance(fact, SessionOpened | SessionEnded)]
    if not told and numbers is None:
        return
    with xo.open_folder(FOLDER, make=True) as folder:
        rows = _Rows(record_to_change(folder, FILE), project_id)
        for fact in told:
            rows.note(fact.session_id, fact.runtime, fact.directory, fact.moment)
        if numbers:
            for session in reversed(numbers.sessions):
                directory = relative(session.directory or "") or "."
                moment = session.time_updated
                rows.note(session.session_id, session.agent_name, directory, moment)
            for each in numbers.year.sessions:
                rows.count(each.session_id, each.sum)
        write_record(folder, FILE, rows.newest(), durable=False)


class _Rows:
    """The file's rows, the newest last."""

    def __init__(self, rows: Record, project_id: str) -> None:
        self._rows = rows
        self._project_id = project_id
        names = ("nativeSessionId", "sessionId")
        self._keys = {as_record(row).get(name): key for name in names for key, row in rows.items()}

    def note(self, session_id: str, runtime: str, directory: str, moment: datetime) -> None:
        """A session was there at this moment."""
        key = self._keys.get(session_id) or self._new_key(runtime, session_id)
        self._keys[session_id] = key
        row, last = as_record(self._rows.get(key)), int(moment.timestamp() * 1000)
        if row and count_of(row, "updatedAt") > last:
            return
        self._rows.pop(key, None)
        self._rows[key] = {
            "usage": dict.fromkeys(("input_tokens", "output_tokens"), 0),
            "sessionId": session_id,
            "nativeSessionId": session_id,
            **row,
            "backend": runtime,
            "directory": directory,
            "updatedAt": last,
        }

    def count(self, session_id: str, used: Sum) -> None:
        """Put in what a session used."""
        row = as_record(self._rows.get(self._keys.get(session_id, "")))
        if row:
            row["usage"] = {
                **as_record(row.get("usage")),
                "input_tokens": used.tokens.input,
                "output_tokens": used.tokens.output,
                "cache_creation_input_tokens": used.tokens.cache_write,
                "cache_read_input_tokens": used.tokens.cache_read,
                "cost": round(used.cost, 6),
            }

    def newest(self) -> Record:
        return dict(list(self._rows.items())[-MOST_ROWS:])

    def _new_key(self, runtime: str, session_id: str) -> str:
        short = f"{runtime}:{self._project_id}:web:{session_id[:8]}"
        taken = short in self._rows
        return f"{runtime}:{self._project_id}:web:{session_id}" if taken else short
