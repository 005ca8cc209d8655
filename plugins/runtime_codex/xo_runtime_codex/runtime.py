"""The runtime: leases a server, loads the session's thread, and runs the turn on it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from xo_cowork_core.sdk import (
    AgentFailure,
    Answers,
    ChecksHealth,
    Desync,
    Done,
    EditsHistory,
    Event,
    Health,
    HostContext,
    Interrupts,
    Json,
    ListsModels,
    Model,
    OpensSessions,
    Runtime,
    RuntimeInfo,
    Turn,
    TurnAnswer,
    TurnMcpServer,
    Unsupported,
)
from xo_cowork_core.sdk.kit import ActiveTurns, JsonRpcError, read_mcp_entries
from xo_cowork_core.sdk.runtime.catalog import ListsMcpServers, McpServer
from xo_cowork_core.sdk.runtime.configuration import (
    ListsProviders,
    Provider,
    ProviderAccount,
    ReportsAccount,
    ShowsConfiguration,
)
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts, Transcript
from xo_runtime_codex.account import find_account, provider_account
from xo_runtime_codex.configuration import read_config
from xo_runtime_codex.health import HealthCheck
from xo_runtime_codex.history.rollouts import rollout_id
from xo_runtime_codex.history.store import Store
from xo_runtime_codex.history.transcript import CodexTranscript
from xo_runtime_codex.options import PROVIDERS, read_options
from xo_runtime_codex.protocol.parameters import thread_parameters
from xo_runtime_codex.run.exec_runner import ExecRunner
from xo_runtime_codex.run.server_loss import ServerLost, find_server_loss
from xo_runtime_codex.run.turn_run import TurnRun
from xo_runtime_codex.server.app_server import AppServer, AppServerUnavailable, Thread
from xo_runtime_codex.server.models import list_models
from xo_runtime_codex.server.server_pool import ServerPool
from xo_runtime_codex.sign_in.abilities import SignInAbilities

INFO = RuntimeInfo(
    name="codex", title="Codex", aliases=("openai_codex",), rank=30, health_field="codex_cli"
)
ACTIVE_WRITER = "active writer"
NO_ROLLOUT = "no rollout found"


class CodexRuntime(
    Runtime,
    OpensSessions,
    Interrupts,
    Answers,
    KeepsTranscripts,
    EditsHistory,
    ListsModels,
    ChecksHealth,
    ListsProviders,
    ReportsAccount,
    ShowsConfiguration,
    ListsMcpServers,
    SignInAbilities,
):
    """Codex; many sessions share an app-server."""

    def __init__(self, context: HostContext) -> None:
        self._context = context
        self._options = read_options(context.settings, context.paths.home)
        # the run has a limit of its own, which knows about background work
        self._info = replace(INFO, silent_seconds=self._options.turn_seconds)
        self._servers = ServerPool(context, self._options)
        self._exec_runner = ExecRunner(context, self._options)
        self._store = Store(self._options.home)
        self._health = HealthCheck(context, self._options)
        self._turns: ActiveTurns[TurnRun] = ActiveTurns()

    def describe(self) -> RuntimeInfo:
        return self._info

    async def open_session(self, turn: Turn) -> str:
        try:
            async with self._servers.lease(turn.environment) as server:
                return await server.open_thread(turn)
        except AppServerUnavailable:
            return await self._exec_runner.open(turn)
        except JsonRpcError as error:
            raise AgentFailure(f"Codex opened no session: {error}", code="bad_request") from error

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        try:
            async with aclosing(self._events(turn)) as events:
                async for event in events:
                    yield event
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
        return self._store.folders

    def transcript_id(self, path: Path) -> str | None:
        return rollout_id(path)

    def open_transcript(self, path: Path) -> Transcript:
        return CodexTranscript(path)

    async def drop(self, session_id: str, message_id: str) -> None:
        turn_id = await self._store.turn_of(session_id, message_id)
        environment = await asyncio.to_thread(self._context.secrets.environment)
        try:
            async with self._servers.lease(environment) as server:
                await self._load_thread(server, session_id, {})
                await self._revert(server, session_id, turn_id)
        except (JsonRpcError, AppServerUnavailable) as error:
            raise Unsupported(f"Codex can't edit this session: {error}") from error

    async def models(self) -> Sequence[Model]:
        environment = await asyncio.to_thread(self._context.secrets.environment)
        try:
            async with self._servers.lease(environment) as server:
                return await list_models(server, self._options.home)
        except (AppServerUnavailable, JsonRpcError):
            return []

    async def providers(self) -> Sequence[Provider]:
        return PROVIDERS

    async def account(self) -> ProviderAccount | None:
        return await asyncio.to_thread(self._read_account)

    async def configuration(self) -> Json:
        return await asyncio.to_thread(read_config, self._options.home)

    async def mcp_servers(self, cwd: Path) -> Sequence[McpServer]:
        config = await asyncio.to_thread(read_config, self._options.home)
        return read_mcp_entries(config.get("mcp_servers"))

    async def health(self) -> Health:
        return await self._health.check()

    def _read_account(self) -> ProviderAccount | None:
        found = find_account(self._options.home, self._context.secrets.environment())
        return provider_account(found) if found else None

    async def _events(self, turn: Turn) -> AsyncGenerator[Event, None]:
        lost: ServerLost | None = None
        while not self._exec_runner.holds(turn):
            try:
                async with self._servers.lease(turn.environment) as server:
                    async with aclosing(self._run_on_server(server, turn, lost)) as events:
                        async for event in events:
                            yield event
                    return
            except AppServerUnavailable as error:
                if lost:
                    raise lost.failure from error
                self._context.log.warning(
                    "no app-server, running the turn with codex exec: %s", error
                )
                break
            except ServerLost as error:
                if lost:
                    raise error.failure from error
                lost = error
        async with aclosing(self._exec_runner.run(turn)) as events:
            async for event in events:
                yield event

    async def _run_on_server(
        self, server: AppServer, turn: Turn, lost: ServerLost | None
    ) -> AsyncGenerator[Event, None]:
        run = TurnRun(turn, turn.session_id, server, self._options)
        try:
            thread = await self._load_thread(
                server, turn.session_id, thread_parameters(turn), turn.mcp_servers
            )
            if lost:
                await self._revert_lost_turn(server, turn.session_id, lost)
                yield Desync("Codex ended; the turn is repeated")
            with self._turns.running(turn, run):
                if self._turns.is_interrupted(turn):
                    yield Done("aborted")
                    return
                async with aclosing(run.events(thread)) as events:
                    async for event in events:
                        yield event
        except AgentFailure as failure:
            if failure.code == "auth":
                # a server whose key was refused does not notice a later sign-in
                self._servers.retire(server)
            if server_lost := await find_server_loss(failure, run, self._store):
                raise server_lost from failure
            raise
        finally:
            if run.is_server_unusable:
                self._servers.retire(server)

    async def _revert_lost_turn(self, server: AppServer, thread_id: str, lost: ServerLost) -> None:
        """Remove an interrupted turn, so that its message is not in the session twice.

        Raises the turn's failure where Codex cannot remove it.
        """
        try:
            if lost.turn_id:
                await self._revert(server, thread_id, lost.turn_id)
        except JsonRpcError:
            raise lost.failure from lost

    async def _revert(self, server: AppServer, thread_id: str, turn_id: str) -> None:
        await server.peer.request("thread/revert", {"threadId": thread_id, "beforeTurnId": turn_id})

    async def _load_thread(
        self,
        server: AppServer,
        thread_id: str,
        parameters: Mapping[str, Any],
        servers: Sequence[TurnMcpServer] = (),
    ) -> Thread:
        await self._servers.unload_elsewhere(thread_id, keep=server)
        try:
            return await server.load(thread_id, parameters, servers)
        except JsonRpcError as error:
            if ACTIVE_WRITER in str(error):
                text = (
                    "This session is open in another Codex, perhaps in a terminal: close it there"
                )
                raise AgentFailure(text, code="bad_request") from error
            if NO_ROLLOUT in str(error):
                text = "Codex no longer has this session"
                raise AgentFailure(text, code="bad_request") from error
            raise AgentFailure(f"Codex can't continue this session: {error}") from error
