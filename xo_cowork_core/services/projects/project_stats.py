"""The figures of each project in the index: the only source of the numbers in `.xo`.

The index keeps a list of projects whose figures changed, also over a restart, until their files are
written. It is not queried while nothing changes.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.index import queries
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.queries import Session
from xo_cowork_core.services.usage.report import UsageReports
from xo_cowork_core.services.usage.sums import Usage

WEEK_DAYS = 7
MONTH_DAYS = 30
YEAR_DAYS = 365
MAX_SESSIONS = 2000
log = logging.getLogger("xo_cowork.projects")


class ProjectFigures(NamedTuple):
    """A project's usage and its listed sessions, newest first. `year` has the sum of each session,
    `week` and `month` only count sessions."""

    week: Usage
    month: Usage
    year: Usage
    sessions: Sequence[Session]


class ProjectStats:
    """Finds projects whose figures changed, after each scan of the index, and reads the figures.

    A project's `mark` is the version of its figures. `on_change` is called with the id of each
    project that has new figures to `take`.
    """

    def __init__(
        self, index: Index, usage: UsageReports, clock: Clock, on_change: Callable[[str], None]
    ) -> None:
        self._index = index
        self._usage = usage
        self._clock = clock
        self._on_change = on_change
        self._known_marks: dict[str, int] = {}
        self._pending: dict[str, int] = {}
        self._written: dict[str, int] = {}

    async def refresh(self) -> None:
        """Find the projects whose figures changed; called after each scan."""
        written, self._written = self._written, {}
        try:
            if written:
                await self._index.clear_dirty_projects(written)
            marks = await self._index.query(queries.dirty_projects)
        except (Unavailable, sqlite3.Error) as error:
            log.warning(
                "the projects with changed figures cannot be read from the index: %s", error
            )
            return
        changed = {key: mark for key, mark in marks.items() if self._known_marks.get(key) != mark}
        self._known_marks = marks
        for project_id, mark in changed.items():
            self._pending[project_id] = mark
            self._on_change(project_id)

    def take(self, project_id: str) -> int | None:
        """Remove and return the mark of figures to be written; None when there are none."""
        return self._pending.pop(project_id, None)

    async def read(self, project_id: str) -> ProjectFigures | None:
        """Return a project's figures; None when the index is unavailable, until its next scan."""
        try:
            return ProjectFigures(
                week=await self._last(WEEK_DAYS, project_id, 0),
                month=await self._last(MONTH_DAYS, project_id, 0),
                year=await self._last(YEAR_DAYS, project_id, -1),
                sessions=await self._sessions(project_id),
            )
        except Unavailable:
            self._known_marks.pop(project_id, None)
            return None

    def mark_written(self, project_id: str, mark: int) -> None:
        """Record that the files have the figures of this mark, or need none."""
        self._written[project_id] = mark

    def put_back(self, project_id: str, mark: int) -> None:
        """Keep figures that could not be written yet, unless there are newer ones."""
        self._pending.setdefault(project_id, mark)

    async def _last(self, days: int, project_id: str, sessions: int) -> Usage:
        today = self._clock.now().date()
        window = ((today - timedelta(days=days - 1)).isoformat(), today.isoformat())
        return await self._usage.between(window, agent_id=project_id, sessions=sessions)

    async def _sessions(self, project_id: str) -> Sequence[Session]:
        _, sessions = await self._index.query(
            lambda connection: queries.sessions_page(
                connection, agent_name=None, agent_id=project_id, limit=MAX_SESSIONS, offset=0
            )
        )
        return sessions
