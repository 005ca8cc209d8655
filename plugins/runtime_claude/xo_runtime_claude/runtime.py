"""The runtime: finds or starts the session's process, runs the turn on it, keeps it warm."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from xo_cowork_core.sdk import (
    AgentFailure,
    Answers,
    ChecksHealth,
    Done,
    EditsHistory,
    Event,
    Health,
    HostContext,
    Interrupts,
    KeepsTranscripts,
    Message,
    NotFound,
    OffersSkills,
    Runtime,
    RuntimeInfo,
    SessionRecord,
    SingleFlight,
    Skill,
    Transcript,
    Turn,
    TurnAnswer,
)
from xo_runtime_claude import skills
from xo_runtime_claude.health import HealthCheck
from xo_runtime_claude.options import (
    cold_arguments,
    environment_of,
    fixed_by,
    read_options,
    session_arguments,
    warm_arguments,
)
from xo_runtime_claude.process_pool import ProcessPool
from xo_runtime_claude.store import Store
from xo_runtime_claude.transcript import ClaudeTranscript
from xo_runtime_claude.turn_run import NoWarmStart, TurnRun, WrongStart
from xo_runtime_claude.warm_process import WarmProcess

INFO = RuntimeInfo(
    name="claude_code", title="Claude Code", aliases=("claude", "claude-code"), rank=20
)
ATTEMPTS = 4  # as known, as new, with its ruined file set aside, cold
MISSING = AgentFailure(
    "Claude Code isn't installed: run `npm install -g @anthropic-ai/claude-code`",
    code="not_installed",
)


class ClaudeRuntime(
    Runtime, Interrupts, Answers, KeepsTranscripts, EditsHistory, OffersSkills, ChecksHealth
):
    """Claude Code, one process per active session."""

    def __init__(self, context: HostContext) -> None:
        self._context = context
        self._options = read_options(context.settings, context.paths.home)
        self._pool = ProcessPool(self._options.warm_limit, self._options.idle_seconds)
        self._store = Store(self._options.config, context.paths)
        self._health = HealthCheck(context, self._options)
        self._skills = SingleFlight(self._fingerprint)
        self._running: dict[str, TurnRun] = {}
        self._stopped: set[str] = set()

    def describe(self) -> RuntimeInfo:
        return INFO

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        resume = not turn.new_session and await self._store.knows(turn.session_id)
        cold, refused = False, 0
        try:
            for _ in range(ATTEMPTS):
                try:
                    async with aclosing(self._attempt(turn, resume=resume, cold=cold)) as events:
                        async for event in events:
                            yield event
                    return
                except WrongStart:
                    refused += 1
                    resume = not resume
                    if refused > 1:
                        # neither new nor known: a file is there that the CLI can't read
                        await self._store.set_aside(turn.session_id)
                        resume = False
                except NoWarmStart as error:
                    self._context.log.warning("no warm start, trying a cold one: %s", error)
                    cold = True
            raise AgentFailure("Claude Code takes this session neither as new nor as known")
        finally:
            self._stopped.discard(turn.stream_id)

    async def interrupt(self, turn: Turn) -> None:
        self._stopped.add(turn.stream_id)
        running = self._running.get(turn.stream_id)
        if running:
            await running.interrupt()

    async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
        running = self._running.get(turn.stream_id)
        if running is None:
            raise NotFound("The turn is over.")
        await running.answer(call_id, answer)

    async def session(self, session_id: str) -> SessionRecord | None:
        return await self._store.session(session_id)

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        return await self._store.messages(session_id)

    def transcript_folders(self) -> Sequence[Path]:
        return [self._store.folder]

    def transcript_id(self, path: Path) -> str | None:
        return path.stem if path.suffix == ".jsonl" else None

    def open_transcript(self, path: Path) -> Transcript:
        return ClaudeTranscript(path)

    async def drop(self, session_id: str, message_id: str) -> None:
        await self._pool.discard(session_id)
        await self._store.drop(session_id, message_id)

    async def skills(self, cwd: Path) -> Sequence[Skill]:
        return await asyncio.to_thread(skills.read_skills, cwd, self._options.config)

    async def health(self) -> Health:
        return await self._health.look()

    async def _attempt(
        self, turn: Turn, *, resume: bool, cold: bool
    ) -> AsyncGenerator[Event, None]:
        warm = await self._process(turn, resume=resume, cold=cold)
        running = TurnRun(turn, warm, self._options, cold=cold)
        self._running[turn.stream_id] = running
        keep = False
        try:
            if turn.stream_id in self._stopped:
                yield Done("aborted")
                return
            async with aclosing(running.events()) as events:
                async for event in events:
                    if event.terminal:
                        keep = running.reusable
                        self._store.forget_cut(turn.session_id)
                    yield event
        except AgentFailure as failure:
            # a process that was refused a key does not notice a later sign-in
            keep = running.reusable and failure.code != "auth"
            raise
        finally:
            del self._running[turn.stream_id]
            await self._put_away(warm, keep=keep and not cold)

    async def _process(self, turn: Turn, *, resume: bool, cold: bool) -> WarmProcess:
        environment = environment_of(turn, self._options)
        fixed = fixed_by(turn, environment)
        seen = await self._skills.of(turn.cwd)
        warm = None if cold else await self._pool.take(turn.session_id, fixed)
        if warm:
            warm.stale_skills = warm.skills != seen
            warm.skills = seen
            return warm
        binary = self._context.paths.binary("claude", self._options.binary)
        if binary is None:
            raise MISSING
        cut = self._store.cut_of(turn.session_id) if resume else None
        session = session_arguments(turn.session_id, resume=resume, cut=cut)
        arguments = cold_arguments(turn, session) if cold else warm_arguments(turn, session)
        process = await self._context.processes.spawn(
            [str(binary), *arguments],
            cwd=turn.cwd,
            environment=environment,
            owner=turn.stream_id if cold else "",
        )
        return WarmProcess(process, turn.session_id, fixed, seen)

    def _fingerprint(self, cwd: Path) -> int:
        return skills.fingerprint(cwd, self._options.config)

    async def _put_away(self, warm: WarmProcess, *, keep: bool) -> None:
        if keep and warm.alive:
            self._pool.give_back(warm)
        else:
            await warm.end(gently=False)
