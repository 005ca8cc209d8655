"""Keeps the files of `.xo` true from what turns tell and what the index counted, without looking
at anything by itself.

Facts wait in a bounded queue; the one owner task, begun by `start` and ended by `stop`, writes
them project by project, a moment after the first came in.
"""

import asyncio
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

from xo_cowork_core.sdk import Event, NotFound, StepFinish, Tokens, Unavailable, XoError
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.projects.activity_file import close_cut_sessions, names_sessions
from xo_cowork_core.services.projects.events import (
    OpenSession,
    ProjectEvent,
    SessionEnded,
    SessionOpened,
)
from xo_cowork_core.services.projects.project_files import XO, ProjectFiles, open_existing
from xo_cowork_core.services.projects.project_stats import ProjectFigures, ProjectStats
from xo_cowork_core.services.projects.record_writer import enter
from xo_cowork_core.services.projects.turn_observer import TurnObserver, plain, relative_to
from xo_cowork_core.services.turns.running_turn import RunningTurn
from xo_cowork_core.storage.folder_handle import FolderHandle

DEBOUNCE_SECONDS = 0.2
RETRY_SECONDS = 1.0
STOP_SECONDS = 5.0
MOST_FACTS = 10_000
log = logging.getLogger("xo_cowork.projects")


class ProjectRecorder:
    """A listener of turns and of the index that writes down what projects keep of them. `retries`
    counts the writes that somebody else's lock put off."""

    def __init__(self, files: ProjectFiles, clock: Clock, numbers: ProjectStats) -> None:
        self.retries = 0
        self._files = files
        self._clock = clock
        self._numbers = numbers
        numbers.add_listener(self._awaken)
        # as it is named, and as turns may know it: resolved, when `start` has looked
        self._roots: tuple[str, ...] = (str(files.root),)
        self._facts: dict[str, list[ProjectEvent]] = {}
        self._waiting = 0
        self._open: dict[str, dict[str, OpenSession]] = {}
        self._watches: dict[str, TurnObserver] = {}
        self._wanted = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; sessions that the last server left open are closed on the way."""
        real = await self._files.run_reader(partial(os.path.realpath, self._files.root))
        self._roots = tuple(dict.fromkeys((*self._roots, real)))
        self._task = asyncio.create_task(self._own(), name="projects recorder")

    async def stop(self) -> None:
        """Write what waits, within `STOP_SECONDS`."""
        self._stopping.set()
        self._wanted.set()
        if self._task:
            _, late = await asyncio.wait({self._task}, timeout=STOP_SECONDS)
            for task in late:
                log.error("not every fact of the last turns was written")
                task.cancel()

    async def activity(self, project_id: str) -> Sequence[OpenSession]:
        """Return a project's open sessions. Raises NotFound."""
        await self._files.read(project_id, lambda _: None)
        return self.open_sessions(project_id)

    def open_sessions(self, project_id: str) -> Sequence[OpenSession]:
        """Return a project's sessions with a running turn, the oldest first."""
        return list(self._open.get(project_id, {}).values())

    def turn_started(self, running: RunningTurn) -> None:
        """Open the session, and watch the turn."""
        turn = running.turn
        project_id = self._project_of(str(turn.cwd))
        if project_id is None:
            return
        runtime, now = running.owner.info.name, running.started_at
        watch = TurnObserver(
            turn.session_id,
            runtime,
            cwd=str(turn.cwd),
            folders=self._folders(project_id),
            clock=self._clock,
            tell=partial(self._tell, project_id),
        )
        opened = OpenSession(turn.session_id, runtime, plain(turn.agent_id or runtime), now, now)
        self._open.setdefault(project_id, {})[turn.session_id] = opened
        self._watches[turn.stream_id] = watch
        running.add_observer(watch)
        running.add_observer(partial(self._touch, project_id, opened))
        directory = watch.relative(str(turn.cwd)) or "."
        resumed = not turn.new_session
        self._tell(project_id, SessionOpened(turn.session_id, runtime, now, resumed, directory))

    def turn_ended(self, running: RunningTurn) -> None:
        """Close the session."""
        turn, outcome = running.turn, running.outcome
        watch = self._watches.pop(turn.stream_id, None)
        project_id = self._project_of(str(turn.cwd))
        if watch is None or project_id is None:
            return
        sessions = self._open.get(project_id, {})
        sessions.pop(turn.session_id, None)
        if not sessions:
            self._open.pop(project_id, None)
        tokens: Tokens = outcome.tokens or watch.tokens
        ended = SessionEnded(
            turn.session_id,
            running.owner.info.name,
            self._clock.now(),
            finish_reason=outcome.finish_reason,
            error_code=outcome.error_code,
            tokens=tokens,
            cost=outcome.cost,
            seconds=outcome.duration_seconds,
            directory=watch.relative(str(turn.cwd)) or ".",
        )
        self._tell(project_id, ended)

    def _folders(self, project_id: str) -> tuple[str, ...]:
        return tuple(f"{root}/{project_id}" for root in self._roots)

    def _project_of(self, cwd: str) -> str | None:
        for root in self._roots:
            if cwd.startswith(f"{root}/"):
                name = cwd[len(root) + 1 :].partition("/")[0]
                return None if name.startswith(".") else name
        return None

    def _touch(self, project_id: str, session: OpenSession, event: Event) -> None:
        session.last_activity_at = self._clock.now()
        if event.name == StepFinish.name:
            self._awaken(project_id)

    def _awaken(self, project_id: str) -> None:
        """Write a project's files, also where no fact waits."""
        self._facts.setdefault(project_id, [])
        self._wanted.set()

    def _tell(self, project_id: str, fact: ProjectEvent) -> None:
        facts = self._facts.setdefault(project_id, [])
        if self._waiting < MOST_FACTS:
            facts.append(fact)
            self._waiting += 1
        else:
            log.warning("a fact of project %s was dropped: too many wait", project_id)
        self._wanted.set()

    async def _own(self) -> None:
        await self._sweep()
        while not (self._stopping.is_set() and not self._facts):
            await self._wanted.wait()
            await self._pause(DEBOUNCE_SECONDS)
            self._wanted.clear()
            for project_id, facts in self._taken():
                await self._write(project_id, facts)

    def _taken(self) -> Iterator[tuple[str, list[ProjectEvent]]]:
        taken, self._facts, self._waiting = self._facts, {}, 0
        yield from taken.items()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _write(self, project_id: str, facts: list[ProjectEvent]) -> None:
        mark = self._numbers.take(project_id)
        open_sessions = self.open_sessions(project_id)
        try:
            # a folder where nothing but a terminal worked is not written into
            if facts or open_sessions or await self._files.read(project_id, _is_kept):
                numbers = await self._numbers.read(project_id) if mark is not None else None
                await self._enter(project_id, facts, open_sessions, numbers)
                mark = mark if numbers else None
        except NotFound:
            # the project was deleted, or the agent's id is no project's
            pass
        except Unavailable as error:
            if error.retry_after is None or self._stopping.is_set():
                log.error("what happened in %s was not written: %s", project_id, error)
            else:
                # somebody holds its lock: nothing is written yet, so all of it comes again
                await self._put_back(project_id, facts, mark)
            return
        except Exception:
            # a file that nobody foresaw must not end the record of every other project
            log.exception("what happened in %s was not written", project_id)
            return
        if mark is not None:
            self._numbers.written(project_id, mark)

    async def _enter(
        self,
        project_id: str,
        facts: Sequence[ProjectEvent],
        open_sessions: Sequence[OpenSession],
        numbers: ProjectFigures | None,
    ) -> None:
        relative = partial(relative_to, self._folders(project_id))

        def work(_: FolderHandle, xo: FolderHandle) -> None:
            now = self._clock.now()
            enter(xo, project_id, facts, open_sessions, now, numbers=numbers, relative=relative)

        await self._files.change(project_id, work)

    async def _put_back(self, project_id: str, facts: list[ProjectEvent], mark: int | None) -> None:
        if mark is not None:
            self._numbers.put_back(project_id, mark)
        self._facts[project_id] = [*facts, *self._facts.get(project_id, [])][:MOST_FACTS]
        self._waiting += len(facts)
        self.retries += 1
        self._wanted.set()
        await self._pause(RETRY_SECONDS)

    async def _sweep(self) -> None:
        try:
            left_open = await self._files.run_reader(self._left_open)
        except XoError as error:
            log.warning("the sessions that the last server left open: %s", error.message)
            return
        for project_id in left_open:

            def work(_: FolderHandle, xo: FolderHandle, name: str = project_id) -> None:
                close_cut_sessions(xo, self.open_sessions(name), self._clock.now())

            try:
                await self._files.change(project_id, work)
            except XoError as error:
                log.warning("the open sessions of %s: %s", project_id, error.message)

    def _left_open(self) -> list[str]:
        found: list[str] = []
        for name in self._files.project_ids():
            with (
                suppress(OSError, XoError),
                self._files.open_project(name) as project,
                open_existing(project, XO) as xo,
            ):
                if xo and names_sessions(xo):
                    found.append(name)
        return found


def _is_kept(project: FolderHandle) -> bool:
    with open_existing(project, XO) as xo:
        return xo is not None
