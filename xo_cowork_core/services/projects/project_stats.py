"""What the index counted of each project: the one source of the numbers in `.xo`.

The index remembers which projects it counted anew, also over a restart, until their files are
written. Nothing is asked of it while nothing changes.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

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
MOST_SESSIONS = 2000
log = logging.getLogger("xo_cowork.projects")


@dataclass(frozen=True, slots=True)
class ProjectFigures:
    """A project's usage and its sessions that are listed, the newest first. The last year tells
    every session one by one, the others only how many there were."""

    week: Usage
    month: Usage
    year: Usage
    sessions: Sequence[Session]


class ProjectStats:
    """Feeds nothing into the index: is asked at each look, and looks what was counted anew."""

    def __init__(self, index: Index, usage: UsageReports, clock: Clock) -> None:
        self._index = index
        self._usage = usage
        self._clock = clock
        self._listeners: list[Callable[[str], None]] = []
        self._told: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._written: dict[str, int] = {}

    def add_listener(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with each project that has new numbers to `take`."""
        self._listeners.append(listener)

    async def refresh(self) -> None:
        """Hear which projects the index counted anew."""
        written, self._written = self._written, {}
        try:
            if written:
                await self._index.clear_dirty_projects(written)
            recounted = await self._index.query(queries.dirty_projects)
        except (Unavailable, sqlite3.Error) as error:
            log.warning("projects that were counted anew: %s", error)
            return
        new = {key: mark for key, mark in recounted.items() if self._told.get(key) != mark}
        self._told = recounted
        for project_id, mark in new.items():
            self._waiting[project_id] = mark
            for listener in self._listeners:
                listener(project_id)

    def take(self, project_id: str) -> int | None:
        """Return the mark of the numbers that wait to be written; None when none do."""
        return self._waiting.pop(project_id, None)

    async def read(self, project_id: str) -> ProjectFigures | None:
        """Return a project's numbers; None when the index can't tell, which then tells anew."""
        try:
            return ProjectFigures(
                week=await self._last(WEEK_DAYS, project_id, 0),
                month=await self._last(MONTH_DAYS, project_id, 0),
                year=await self._last(YEAR_DAYS, project_id, -1),
                sessions=await self._sessions(project_id),
            )
        except Unavailable:
            self._told.pop(project_id, None)
            return None

    def written(self, project_id: str, mark: int) -> None:
        """Take note that the files have the numbers of this mark, or need none."""
        self._written[project_id] = mark

    def put_back(self, project_id: str, mark: int) -> None:
        """Keep numbers waiting that could not be written yet, unless there are newer ones."""
        self._waiting.setdefault(project_id, mark)

    async def _last(self, days: int, project_id: str, sessions: int) -> Usage:
        today = self._clock.now().date()
        window = ((today - timedelta(days=days - 1)).isoformat(), today.isoformat())
        return await self._usage.between(window, agent_id=project_id, sessions=sessions)

    async def _sessions(self, project_id: str) -> Sequence[Session]:
        _, found = await self._index.query(
            lambda connection: queries.sessions_page(
                connection, agent_name=None, agent_id=project_id, limit=MOST_SESSIONS, offset=0
            )
        )
        return found
