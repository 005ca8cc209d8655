"""`sessions/sessionslist.json`: the sessions of a project, with the keys that other tools read.

Rows of other writers are kept. A directory is relative to the project, because the folder may be
shared and its location is private.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from xo_cowork_core.services.projects.events import ProjectEvent, SessionEnded, SessionStarted
from xo_cowork_core.services.projects.project_stats import ProjectFigures
from xo_cowork_core.services.projects.records import (
    Record,
    as_record,
    count_of,
    load_for_change,
    write_record,
)
from xo_cowork_core.services.usage.sums import Sum
from xo_cowork_core.storage.folder_handle import FolderHandle

FOLDER = "sessions"
FILE = "sessionslist.json"
MAX_ROWS = 2000
# returns a directory's path relative to the project; None when it lies outside
RelativePath = Callable[[str], str | None]


def update_sessions(
    xo: FolderHandle,
    project_id: str,
    events: Sequence[ProjectEvent],
    figures: ProjectFigures | None,
    relative_path: RelativePath,
) -> None:
    """Add or update the rows of the sessions that started or ended, or have new figures."""
    session_events = [event for event in events if isinstance(event, SessionStarted | SessionEnded)]
    if not session_events and figures is None:
        return
    with xo.open_folder(FOLDER, make=True) as folder:
        rows = _SessionRows(load_for_change(folder, FILE), project_id)
        for event in session_events:
            rows.update(event.session_id, event.runtime, event.directory, event.moment)
        if figures:
            for session in reversed(figures.sessions):
                directory = relative_path(session.directory or "") or "."
                moment = session.time_updated
                rows.update(session.session_id, session.agent_name, directory, moment)
            for each in figures.year.sessions:
                rows.set_usage(each.session_id, each.sum)
        write_record(folder, FILE, rows.newest(), durable=False)


class _SessionRows:
    """The file's rows, the newest last."""

    def __init__(self, rows: Record, project_id: str) -> None:
        self._rows = rows
        self._project_id = project_id
        fields = ("nativeSessionId", "sessionId")
        self._keys = {
            as_record(row).get(field): key for field in fields for key, row in rows.items()
        }

    def update(self, session_id: str, runtime: str, directory: str, moment: datetime) -> None:
        """Make a session's row the newest, unless it was updated after `moment`."""
        key = self._keys.get(session_id) or self._new_key(runtime, session_id)
        self._keys[session_id] = key
        row, milliseconds = as_record(self._rows.get(key)), int(moment.timestamp() * 1000)
        if row and count_of(row, "updatedAt") > milliseconds:
            return
        self._rows.pop(key, None)
        self._rows[key] = {
            "usage": dict.fromkeys(("input_tokens", "output_tokens"), 0),
            "sessionId": session_id,
            "nativeSessionId": session_id,
            **row,
            "backend": runtime,
            "directory": directory,
            "updatedAt": milliseconds,
        }

    def set_usage(self, session_id: str, usage: Sum) -> None:
        """Set the usage of a session that has a row."""
        row = as_record(self._rows.get(self._keys.get(session_id, "")))
        if row:
            row["usage"] = {
                **as_record(row.get("usage")),
                "input_tokens": usage.tokens.input,
                "output_tokens": usage.tokens.output,
                "cache_creation_input_tokens": usage.tokens.cache_write,
                "cache_read_input_tokens": usage.tokens.cache_read,
                "cost": round(usage.cost, 6),
            }

    def newest(self) -> Record:
        """Return the newest `MAX_ROWS` rows."""
        return dict(list(self._rows.items())[-MAX_ROWS:])

    def _new_key(self, runtime: str, session_id: str) -> str:
        short = f"{runtime}:{self._project_id}:web:{session_id[:8]}"
        is_taken = short in self._rows
        return f"{runtime}:{self._project_id}:web:{session_id}" if is_taken else short
