"""The runtime: takes or starts the session's process and runs the turn on it.

A prompt goes from `run` here through `run/turn_run.py` and `process/warm_process.py` (which takes
attachments from `attachments.py`) to the CLI's stdin.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from xo_cowork_core.sdk import (
    AgentFailure,
    Answers,
    ChecksHealth,
    ClosesSessions,
    Done,
    EditsHistory,
    Event,
    Health,
    HostContext,
    Interrupts,
    Json,
    OffersSkills,
    Runtime,
    RuntimeInfo,
    Skill,
    Turn,
    TurnAnswer,
    Unauthorized,
)
from xo_cowork_core.sdk.connector import Account, SignInMethod, TokenSet
from xo_cowork_core.sdk.kit import ActiveTurns, SingleFlight
from xo_cowork_core.sdk.runtime.catalog import ListsMcpServers, McpServer
from xo_cowork_core.sdk.runtime.configuration import (
    ListsProviders,
    Provider,
    ShowsConfiguration,
)
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_cowork_core.sdk.runtime.sign_in import LogsIn
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts, Transcript
from xo_runtime_claude import skills
from xo_runtime_claude.configuration import read_mcp_servers, read_settings
from xo_runtime_claude.health import HealthCheck
from xo_runtime_claude.history.store import Store
from xo_runtime_claude.history.transcript import ClaudeTranscript
from xo_runtime_claude.options import PROVIDERS, environment_of, read_options
from xo_runtime_claude.process.arguments import (
    binding_of,
    cold_arguments,
    session_arguments,
    warm_arguments,
)
from xo_runtime_claude.process.mcp_servers import mcp_environment
from xo_runtime_claude.process.process_pool import ProcessPool
from xo_runtime_claude.process.warm_process import WarmProcess
from xo_runtime_claude.run.turn_run import HandshakeFailed, SessionMismatch, TurnRun
from xo_runtime_claude.sign_in import TOKEN_KEY, sign_in_methods

INFO = RuntimeInfo(
    name="claude_code",
    title="Claude Code",
    aliases=("claude", "claude-code"),
    rank=20,
    health_field="claude_cli",
    isolates_sessions=True,
)
ATTEMPTS = 4  # resumed, new, with its broken file moved away, cold
NOT_INSTALLED = "Claude Code isn't installed: run `npm install -g @anthropic-ai/claude-code`"


class ClaudeRuntime(
    Runtime,
    Interrupts,
    Answers,
    KeepsTranscripts,
    EditsHistory,
    OffersSkills,
    ChecksHealth,
    ClosesSessions,
    ListsProviders,
    ShowsConfiguration,
    ListsMcpServers,
    LogsIn,
):
    """Claude Code, one process per active session."""

    def __init__(self, context: HostContext) -> None:
        self._context = context
        self._options = read_options(context.settings, context.paths.home)
        # the run has a limit of its own, which knows about background work
        self._info = replace(INFO, silent_seconds=self._options.turn_seconds)
        self._pool = ProcessPool(self._options.warm_limit, self._options.idle_seconds)
        self._store = Store(self._options.config, context.paths)
        self._health = HealthCheck(context, self._options)
        self._skills = SingleFlight(self._fingerprint)
        self._turns = ActiveTurns[TurnRun]()

    def describe(self) -> RuntimeInfo:
        return self._info

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        resume = not turn.new_session and await self._store.has_session(turn.session_id)
        cold, mismatches = False, 0
        try:
            for _ in range(ATTEMPTS):
                try:
                    async with aclosing(self._attempt(turn, resume=resume, cold=cold)) as events:
                        async for event in events:
                            yield event
                    return
                except SessionMismatch:
                    mismatches += 1
                    resume = not resume
                    if mismatches > 1:
                        # neither new nor resumable: there is a file that the CLI can't read
                        await self._store.set_aside(turn.session_id)
                        resume = False
                except HandshakeFailed as error:
                    self._context.log.warning(
                        "claude ended before its first answer, starting it for this turn alone: %s",
                        error,
                    )
                    cold = True
            raise AgentFailure("Claude Code can neither create nor resume this session")
        finally:
            self._turns.remove(turn)

    async def interrupt(self, turn: Turn) -> None:
        await self._turns.interrupt(turn)

    async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
        await self._turns.answer(turn, call_id, answer)

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

    async def close_session(self, session_id: str) -> None:
        await self._pool.discard(session_id)

    async def drop(self, session_id: str, message_id: str) -> None:
        await self._pool.discard(session_id)
        await self._store.drop(session_id, message_id)

    async def skills(self, cwd: Path) -> Sequence[Skill]:
        return await asyncio.to_thread(skills.read_skills, cwd, self._options.config)

    async def providers(self) -> Sequence[Provider]:
        return PROVIDERS

    async def configuration(self) -> Json:
        return await asyncio.to_thread(read_settings, self._options)

    async def mcp_servers(self, cwd: Path) -> Sequence[McpServer]:
        return await asyncio.to_thread(read_mcp_servers, cwd, self._options)

    async def health(self) -> Health:
        return await self._health.check()

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        return sign_in_methods(self._options)

    async def complete_sign_in(self, tokens: TokenSet | None) -> Account:
        if tokens is None:
            raise Unauthorized("Claude Code ended without a token.")
        secret = {TOKEN_KEY: tokens.access_token}
        await asyncio.to_thread(self._context.secrets.store, secret)
        # the token does not tell whose it is
        return Account("claude", name="Claude subscription")

    async def _attempt(
        self, turn: Turn, *, resume: bool, cold: bool
    ) -> AsyncGenerator[Event, None]:
        warm = await self._acquire_process(turn, resume=resume, cold=cold)
        run = TurnRun(turn, warm, self._options, cold=cold)
        keep = False
        try:
            with self._turns.running(turn, run):
                if self._turns.is_interrupted(turn):
                    yield Done("aborted")
                    return
                async with aclosing(run.events()) as events:
                    async for event in events:
                        if event.terminal:
                            keep = run.is_reusable
                            self._store.clear_resume_point(turn.session_id)
                        yield event
        except AgentFailure as failure:
            # a process that was refused a key does not notice a later sign-in
            keep = run.is_reusable and failure.code != "auth"
            raise
        finally:
            await self._release_process(warm, keep=keep and not cold)

    async def _acquire_process(self, turn: Turn, *, resume: bool, cold: bool) -> WarmProcess:
        """Take the session's idle process, or start one. Raises `AgentFailure`."""
        environment = {
            **environment_of(turn, self._options),
            **mcp_environment(turn.mcp_servers),
        }
        binding = binding_of(turn, environment)
        fingerprint = await self._skills.of(turn.cwd)
        warm = None if cold else await self._pool.take(turn.session_id, binding)
        if warm:
            warm.note_skills(fingerprint)
            return warm
        binary = self._context.paths.binary("claude", self._options.binary)
        if binary is None:
            raise AgentFailure(NOT_INSTALLED, code="not_installed")
        resume_at = self._store.resume_point(turn.session_id) if resume else None
        session = session_arguments(turn.session_id, resume=resume, resume_at=resume_at)
        arguments = cold_arguments(turn, session) if cold else warm_arguments(turn, session)
        process = await self._context.processes.spawn(
            [str(binary), *arguments],
            cwd=turn.cwd,
            environment=environment,
            owner=turn.stream_id if cold else "",
        )
        return WarmProcess(process, turn.session_id, binding, fingerprint)

    async def _release_process(self, warm: WarmProcess, *, keep: bool) -> None:
        if keep and warm.is_alive:
            self._pool.put(warm)
        else:
            await warm.end(graceful=False)

    def _fingerprint(self, cwd: Path) -> int:
        return skills.fingerprint(cwd, self._options.config)
