"""The runtime: opens the session, runs the turn on the gateway, reads its history."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from xo_cowork_core.sdk import (
    AgentFailure,
    Answers,
    ChecksHealth,
    Event,
    Health,
    HostContext,
    Interrupts,
    KeepsHistory,
    ListsModels,
    Model,
    OpensSessions,
    Runtime,
    RuntimeInfo,
    Turn,
    TurnAnswer,
)
from xo_cowork_core.sdk.kit import ActiveTurns
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_runtime_openclaw.config.admin import AdminAbilities, AdminServices
from xo_runtime_openclaw.gateway.frames import GatewayError
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.health import HealthCheck
from xo_runtime_openclaw.gateway.models import list_models
from xo_runtime_openclaw.gateway.probe import load_httpx
from xo_runtime_openclaw.gateway.supervisor import Supervisor
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.history.store import HistoryStore
from xo_runtime_openclaw.options import read_options
from xo_runtime_openclaw.run import failures
from xo_runtime_openclaw.run.commands import RunCommands
from xo_runtime_openclaw.run.orphan_runs import OrphanRuns
from xo_runtime_openclaw.run.sessions import GatewaySessions, stop_session
from xo_runtime_openclaw.run.turn_run import PromptSkipped, TurnRun

HOST_EXTRA_SECONDS = 300.0
# an interrupted run continues some seconds after the start of the gateway
MAX_ATTEMPTS = 20
ATTEMPT_PAUSE_SECONDS = 0.5
INFO = RuntimeInfo(name="openclaw", title="OpenClaw", aliases=("open-claw",), rank=10)


class OpenClawRuntime(
    AdminAbilities,
    Runtime,
    OpensSessions,
    Interrupts,
    Answers,
    KeepsHistory,
    ChecksHealth,
    ListsModels,
):
    """OpenClaw, through the control protocol of its gateway."""

    def __init__(self, context: HostContext) -> None:
        options = read_options(context.settings, context.paths.home)
        supervisor = Supervisor(context, options, INFO.name) if options.manage else None
        gateway = Gateway(
            context,
            options,
            is_starting=lambda: supervisor is not None and supervisor.is_starting,
        )
        super().__init__(AdminServices(context, options, gateway))
        self._context = context
        self._options = options
        # the run has a limit of its own, which comes first
        silent_seconds = options.silent_seconds + HOST_EXTRA_SECONDS
        self._info = replace(INFO, silent_seconds=silent_seconds)
        self._gateway = gateway
        self._sessions = GatewaySessions(context, gateway)
        self._store = HistoryStore(context, gateway, self._sessions)
        self._supervisor = supervisor
        turns = self._turns = ActiveTurns[TurnRun]()
        self._health = HealthCheck(
            context, options, gateway, supervisor, is_busy=lambda: any(True for _ in turns)
        )
        state_digest = hashlib.sha256(
            str(context.paths.ensure_state_folder()).encode()
        ).hexdigest()[:10]
        self._prefix = f"xo-{state_digest}-"
        gateway.add_connect_listener(OrphanRuns(gateway, self._prefix).sweep)

    def describe(self) -> RuntimeInfo:
        return self._info

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Run the supervised gateway, if there is one; close the connection at the end."""
        if self._supervisor:
            self._supervisor.start(self._gateway)
        try:
            yield
        finally:
            # a gateway that is killed during a run resumes it at its next start
            for run in self._turns:
                await run.interrupt()
            if self._supervisor:
                await self._supervisor.stop()
            await self._gateway.close()

    async def open_session(self, turn: Turn) -> str:
        try:
            return await self._sessions.open(turn)
        except GatewayUnavailable as reason:
            if reason.serves_http:
                return turn.session_id
            raise reason.as_unavailable() from None
        except GatewayError as refused:
            raise refused.as_failure() from None

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        try:
            async with aclosing(await self._source(turn)) as events:
                async for event in events:
                    yield event
        except GatewayUnavailable as reason:
            raise failures.not_connected(reason) from None
        except GatewayError as refused:
            self._sessions.forget(turn.session_id)
            raise refused.as_failure() from None
        finally:
            self._turns.remove(turn)

    async def _source(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """Return the events of a turn."""
        try:
            run = await self._new_run(turn, self._prefix + turn.stream_id)
        except GatewayUnavailable as reason:
            if not reason.serves_http:
                raise
            return await self._over_http(turn)
        return self._run_events(turn, run)

    async def _run_events(self, turn: Turn, run: TurnRun) -> AsyncGenerator[Event, None]:
        """Run a turn, again as long as the gateway skips its prompt. Raises `AgentFailure`."""
        for attempt in range(2, MAX_ATTEMPTS + 2):
            with self._turns.running(turn, run):
                if self._turns.is_interrupted(turn):
                    await run.interrupt()
                try:
                    async with aclosing(run.events()) as events:
                        async for event in events:
                            yield event
                    return
                except PromptSkipped:
                    await stop_session(self._gateway, run.key)
                    await asyncio.sleep(ATTEMPT_PAUSE_SECONDS)
            run = await self._new_run(turn, f"{self._prefix}{turn.stream_id}-{attempt}")
        raise failures.prompt_skipped()

    async def _over_http(self, turn: Turn) -> AsyncGenerator[Event, None]:
        await load_httpx()
        from xo_runtime_openclaw.run.http_fallback import HttpFallback  # noqa: PLC0415

        return HttpFallback(self._context, self._options).run(turn)

    async def _new_run(self, turn: Turn, run_id: str) -> TurnRun:
        key = await self._sessions.key_for(turn)
        commands = RunCommands(self._gateway, self._context, self._options, key=key, cwd=turn.cwd)
        return TurnRun(
            turn,
            key,
            run_id,
            gateway=self._gateway,
            commands=commands,
            silent=self._options.silent_seconds,
        )

    async def interrupt(self, turn: Turn) -> None:
        await self._turns.interrupt(turn)

    async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
        try:
            await self._turns.answer(turn, call_id, answer)
        except GatewayUnavailable as reason:
            raise reason.as_unavailable() from None

    async def sessions(self) -> Sequence[SessionRecord]:
        return await self._store.sessions()

    async def session(self, session_id: str) -> SessionRecord | None:
        return await self._store.session(session_id)

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        return await self._store.messages(session_id)

    async def models(self) -> Sequence[Model]:
        try:
            return await list_models(self._gateway)
        except GatewayUnavailable as reason:
            raise reason.as_unavailable() from None
        except GatewayError as refused:
            raise AgentFailure(refused.text, code="upstream") from None

    async def health(self) -> Health:
        return await self._health.check()
