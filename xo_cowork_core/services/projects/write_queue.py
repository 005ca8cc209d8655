"""The projects whose files wait to be written, each with its waiting events."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from xo_cowork_core.services.projects.events import ProjectEvent

MAX_EVENTS = 10_000
log = logging.getLogger("xo_cowork.projects")


class WriteQueue:
    """Collects events by project, at most `MAX_EVENTS` in all. A project may wait without an event.

    `requested` is set when a project is added; the task that writes waits for it and clears it.
    """

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        self._events: dict[str, list[ProjectEvent]] = {}
        self._size = 0

    @property
    def is_empty(self) -> bool:
        return not self._events

    def request(self, project_id: str) -> None:
        """Request a write of a project's files, also when no event waits."""
        self._events.setdefault(project_id, [])
        self.requested.set()

    def add(self, project_id: str, event: ProjectEvent) -> None:
        """Add an event and request a write; the event is dropped when `MAX_EVENTS` wait."""
        self.request(project_id)
        if self._size < MAX_EVENTS:
            self._events[project_id].append(event)
            self._size += 1
        else:
            log.warning("an event of project %s was dropped: too many wait", project_id)

    def take_all(self) -> Mapping[str, list[ProjectEvent]]:
        """Empty the queue and return what was in it."""
        events, self._events, self._size = self._events, {}, 0
        return events

    def put_back(self, project_id: str, events: Sequence[ProjectEvent]) -> None:
        """Return events to the front of the queue, and request a write."""
        waiting = self._events.get(project_id, [])
        self._events[project_id] = [*events, *waiting][:MAX_EVENTS]
        self._size += len(events)
        self.requested.set()
