"""Records the events of turns and the figures of the index in the files of `.xo`.

One task, started by `start` and ended by `stop`, takes the waiting events from a `WriteQueue` and
writes them project by project, `DEBOUNCE_SECONDS` after the first request.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from xo_cowork_core.sdk import Event, NotFound, StepFinish, Unavailable
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.projects import record_writer
from xo_cowork_core.services.projects.activity_file import close_all_interrupted_sessions
from xo_cowork_core.services.projects.events import (
    OpenSession,
    ProjectEvent,
    SessionEnded,
    SessionStarted,
)
from xo_cowork_core.services.projects.project_files import XO, ProjectFiles, open_existing
from xo_cowork_core.services.projects.project_stats import ProjectFigures, ProjectStats
from xo_cowork_core.services.projects.turn_observer import (
    TurnObserver,
    relative_to,
)
from xo_cowork_core.services.projects.write_queue import WriteQueue
from xo_cowork_core.services.turns.running_turn import RunningTurn
from xo_cowork_core.storage.encodable_text import encodable
from xo_cowork_core.storage.folder_handle import FolderHandle

DEBOUNCE_SECONDS = 0.2
RETRY_SECONDS = 1.0
STOP_SECONDS = 5.0
log = logging.getLogger("xo_cowork.projects")


class ProjectRecorder:
    """Records the events of turns and the changed figures of projects in each project's files.

    `retries` counts the writes that were delayed because another program held a project's lock.
    """

    def __init__(
        self, files: ProjectFiles, clock: Clock, stats: ProjectStats, queue: WriteQueue
    ) -> None:
        self.retries = 0
        self._files = files
        self._clock = clock
        self._stats = stats
        # as configured; `start` adds the resolved path, which is what turns may have
        self._roots: tuple[str, ...] = (str(files.root),)
        self._queue = queue
        self._open: dict[str, dict[str, OpenSession]] = {}
        self._observers: dict[str, TurnObserver] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the writer task, which first closes the sessions that a killed server left open."""
        real_root = await self._files.run_reader(partial(os.path.realpath, self._files.root))
        self._roots = tuple(dict.fromkeys((*self._roots, real_root)))
        self._task = asyncio.create_task(self._run(), name="projects recorder")

    async def stop(self) -> None:
        """Write the waiting events within `STOP_SECONDS`, and end the writer task."""
        self._stopping.set()
        self._queue.requested.set()
        if self._task:
            _, unfinished = await asyncio.wait({self._task}, timeout=STOP_SECONDS)
            for task in unfinished:
                log.error("not every event of the last turns was written")
                task.cancel()

    async def activity(self, project_id: str) -> Sequence[OpenSession]:
        """Return a project's open sessions. Raises NotFound."""
        await self._files.read(project_id, lambda _: None)
        return self.open_sessions(project_id)

    def open_sessions(self, project_id: str) -> Sequence[OpenSession]:
        """Return a project's sessions with a running turn, the oldest first."""
        return list(self._open.get(project_id, {}).values())

    def turn_started(self, running: RunningTurn) -> None:
        """Open the turn's session, and observe the turn."""
        turn = running.turn
        project_id = self._project_id_of(str(turn.cwd))
        if project_id is None:
            return
        runtime, now = running.owner.info.name, running.started_at
        observer = TurnObserver(
            turn.session_id,
            runtime,
            cwd=str(turn.cwd),
            folders=self._project_folders(project_id),
            clock=self._clock,
            on_event=partial(self._queue.add, project_id),
        )
        agent = encodable(turn.agent_id or runtime)
        session = OpenSession(turn.session_id, runtime, agent, now, now)
        self._open.setdefault(project_id, {})[turn.session_id] = session
        self._observers[turn.stream_id] = observer
        running.add_observer(observer)
        running.add_observer(partial(self._note_activity, project_id, session))
        directory = observer.relative_path(str(turn.cwd)) or "."
        resumed = not turn.new_session
        self._queue.add(
            project_id, SessionStarted(turn.session_id, runtime, now, resumed, directory)
        )

    def turn_ended(self, running: RunningTurn) -> None:
        """Close the turn's session."""
        turn, outcome = running.turn, running.outcome
        observer = self._observers.pop(turn.stream_id, None)
        project_id = self._project_id_of(str(turn.cwd))
        if observer is None or project_id is None:
            return
        sessions = self._open.get(project_id, {})
        sessions.pop(turn.session_id, None)
        if not sessions:
            self._open.pop(project_id, None)
        ended = SessionEnded(
            turn.session_id,
            running.owner.info.name,
            self._clock.now(),
            finish_reason=outcome.finish_reason,
            error_code=outcome.error_code,
            tokens=outcome.tokens or observer.tokens,
            cost=outcome.cost,
            seconds=outcome.duration_seconds,
            directory=observer.relative_path(str(turn.cwd)) or ".",
        )
        self._queue.add(project_id, ended)

    def _project_folders(self, project_id: str) -> tuple[str, ...]:
        return tuple(f"{root}/{project_id}" for root in self._roots)

    def _project_id_of(self, cwd: str) -> str | None:
        for root in self._roots:
            if cwd.startswith(f"{root}/"):
                name = cwd[len(root) + 1 :].partition("/")[0]
                return None if name.startswith(".") else name
        return None

    def _note_activity(self, project_id: str, session: OpenSession, event: Event) -> None:
        session.last_activity_at = self._clock.now()
        if event.name == StepFinish.name:
            self._queue.request(project_id)

    async def _run(self) -> None:
        await close_all_interrupted_sessions(self._files, self._clock, self.open_sessions)
        while not (self._stopping.is_set() and self._queue.is_empty):
            await self._queue.requested.wait()
            await self._pause(DEBOUNCE_SECONDS)
            self._queue.requested.clear()
            for project_id, events in self._queue.take_all().items():
                await self._write(project_id, events)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not while stopping."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _write(self, project_id: str, events: list[ProjectEvent]) -> None:
        mark = self._stats.take(project_id)
        sessions = self.open_sessions(project_id)
        try:
            # a folder that only a terminal works in gets no `.xo`
            if events or sessions or await self._files.read(project_id, _has_records):
                figures = await self._stats.read(project_id) if mark is not None else None
                await self._apply(project_id, events, sessions, figures)
                mark = mark if figures else None
        except NotFound:
            # the project was deleted, or the agent's id is not a project's
            pass
        except Unavailable as error:
            if error.retry_after is None or self._stopping.is_set():
                log.error("the events of project %s were not written: %s", project_id, error)
            else:
                # its lock is held, so nothing is written yet and everything is repeated
                await self._put_back(project_id, events, mark)
            return
        except Exception:
            # an unforeseen file must not end the records of every other project
            log.exception("the events of project %s were not written", project_id)
            return
        if mark is not None:
            self._stats.mark_written(project_id, mark)

    async def _apply(
        self,
        project_id: str,
        events: Sequence[ProjectEvent],
        sessions: Sequence[OpenSession],
        figures: ProjectFigures | None,
    ) -> None:
        relative_path = partial(relative_to, self._project_folders(project_id))

        def work(_: FolderHandle, xo: FolderHandle) -> None:
            record_writer.apply(
                xo,
                project_id,
                events,
                sessions,
                self._clock.now(),
                figures=figures,
                relative_path=relative_path,
            )

        await self._files.change(project_id, work)

    async def _put_back(
        self, project_id: str, events: Sequence[ProjectEvent], mark: int | None
    ) -> None:
        if mark is not None:
            self._stats.put_back(project_id, mark)
        self._queue.put_back(project_id, events)
        self.retries += 1
        await self._pause(RETRY_SECONDS)


def _has_records(project: FolderHandle) -> bool:
    with open_existing(project, XO) as xo:
        return xo is not None
