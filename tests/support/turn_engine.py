"""The services of turns without routes: over a folder, with a fake clock and fake runtimes."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, Self, cast

import orjson

from xo_cowork_core.sdk import Answers, Event, Health, Runtime, RuntimeInfo, Turn, TurnAnswer
from xo_cowork_core.sdk.runtime.history import Message
from xo_cowork_core.sdk.runtime.runtime import ChecksHealth
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.project_access import ProjectAccessStore
from xo_cowork_core.services.eventlog.batches import split
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.eventlog.reader import open_reader
from xo_cowork_core.services.git_credentials.git_credentials import GitCredentials
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.history.hosted_sessions import HostedSessions
from xo_cowork_core.services.history.interrupted_answers import InterruptedAnswers
from xo_cowork_core.services.index import schema as index_schema
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.indexer import Indexer
from xo_cowork_core.services.mcp.run_servers import RunServers
from xo_cowork_core.services.run_tokens import RunTokens
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.services.runtimes.selector import RuntimeSelector
from xo_cowork_core.services.secrets.env_file import EnvFileSecrets
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.turns.active_turn import TurnListener
from xo_cowork_core.services.turns.resolver import TurnResolver
from xo_cowork_core.services.turns.turn_store import TurnStore
from xo_cowork_core.services.turns.turns import Turns
from xo_cowork_core.services.workspace import Workspace
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import STEPS

WAIT_SECONDS = 30.0
RunFunction = Callable[[Turn], AsyncGenerator[Event, None]]


def in_event_loop(
    test: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Run an async test in an event loop of its own."""

    @wraps(test)
    def run(*arguments: Any, **fixtures: Any) -> None:
        asyncio.run(test(*arguments, **fixtures))

    return run


@dataclass
class FakeClock:
    """A clock that moves only by `advance`."""

    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


async def run_without_events(turn: Turn) -> AsyncGenerator[Event, None]:
    """Run a turn without events."""
    for event in ():
        yield event


class FunctionRuntime(Runtime, ChecksHealth):
    """Runs turns with the function of a test, and records the turns."""

    def __init__(
        self,
        run: RunFunction = run_without_events,
        *,
        name: str = "written",
        rank: int = 100,
        health: Health | None = None,
    ) -> None:
        self._info = RuntimeInfo(name=name, title=name.title(), rank=rank)
        self._run = run
        self._health = health or Health(state="ready")
        self.turns: list[Turn] = []

    def describe(self) -> RuntimeInfo:
        return self._info

    async def health(self) -> Health:
        return self._health

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        self.turns.append(turn)
        async for event in self._run(turn):
            yield event


class InteractiveRuntime(FunctionRuntime, Answers):
    """Records the answers that it gets, or raises `answer_error`."""

    answer_error: BaseException | None = None

    def __init__(self, run: RunFunction) -> None:
        super().__init__(run)
        self.answers: list[tuple[str, TurnAnswer]] = []
        self.answered = asyncio.Event()

    async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
        if self.answer_error:
            raise self.answer_error
        self.answers.append((call_id, answer))
        self.answered.set()


@dataclass
class TurnEngine:
    """The services of turns over `home`. The `async with` block starts and stops them."""

    home: Path
    runtimes: Sequence[Runtime]
    clock: FakeClock = field(default_factory=FakeClock)
    configured_name: str | None = None
    permission_seconds: float = 60.0
    listeners: Sequence[TurnListener] = ()

    def __post_init__(self) -> None:
        self.stopped_owners: list[str] = []
        self.projects = self.home / "xo-projects"
        self.database = Database(self.home / "state.db", STEPS)
        self.eventlog = EventLog(self.database, self.clock)
        self.history = HostHistory(self.database)
        self.hosted = HostedSessions(self.database)
        self.registry = Registry()
        for runtime in self.runtimes:
            self.registry.add_runtime(self._registered(runtime))
        self.readiness = Readiness(self.clock)
        self.selector = RuntimeSelector(
            self.registry, self.readiness, configured_name=self.configured_name
        )
        index_database = Database(self.home / "index.db", index_schema.STEPS, index_schema.PRAGMAS)
        indexer = Indexer(index_database, self.registry, lambda _: None)
        self.index = Index(index_database, indexer, lambda _: None)
        interrupted = InterruptedAnswers(self.database)
        self.sessions = Sessions(
            self.database, self.registry, self.history, self.hosted, interrupted, self.index
        )
        self.redactor = SecretRedactor()
        run_servers = self._run_servers()
        self.resolver = TurnResolver(
            self.registry,
            self.selector,
            self.sessions,
            Workspace(self.home, self.projects),
            redactor=self.redactor,
            run_servers=run_servers,
            git_credentials=GitCredentials(*run_servers),
            permission_mode="ask",
        )
        self.run_tokens = run_servers.tokens
        self.turns = self._turns(self.run_tokens)

    async def __aenter__(self) -> Self:
        self.database.open()
        await self.index.open()
        self.eventlog.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.turns.stop()
        await self.eventlog.stop()
        await self.index.close()
        await self.database.close()

    async def read_stream(self, stream_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the name and data of every event, after the stream has ended."""
        reader = await open_reader(self.eventlog, stream_id, 0)
        assert reader, "no such stream"
        events: list[tuple[str, dict[str, Any]]] = []
        while True:
            batch = await reader.next(WAIT_SECONDS)
            assert batch, f"no further event after {events}"
            events += [(name, orjson.loads(data)) for name, data in map(split, batch.entries)]
            if batch.terminal:
                return events

    async def wait_for_event(self, stream_id: str, name: str) -> dict[str, Any]:
        """Return the data of the first event of this name."""
        reader = await open_reader(self.eventlog, stream_id, 0)
        assert reader, "no such stream"
        while batch := await reader.next(WAIT_SECONDS):
            for entry_name, data in map(split, batch.entries):
                if entry_name == name:
                    return orjson.loads(data)
            assert not batch.terminal, f"no {name}"
        raise AssertionError(f"no {name}")

    async def messages(self, session_id: str) -> Sequence[Message]:
        """Return the messages that the host stores of a session."""
        return await self.history.messages(session_id)

    def _turns(self, run_tokens: RunTokens) -> Turns:
        return Turns(
            resolver=self.resolver,
            registry=self.registry,
            eventlog=self.eventlog,
            store=TurnStore(self.database, self.history),
            run_tokens=run_tokens,
            clock=self.clock,
            stop_owner=self._stop_owner,
            permission_seconds=self.permission_seconds,
            listeners=self.listeners,
        )

    def _run_servers(self) -> RunServers:
        return RunServers(
            self.registry,
            cast("Connections", None),  # no connector is registered
            ProjectAccessStore(self.home / "projects.json"),
            RunTokens(self.redactor.add),
            "http://127.0.0.1:5002",
        )

    async def _stop_owner(self, stream_id: str) -> str:
        self.stopped_owners.append(stream_id)
        return ""

    def _registered(self, runtime: Runtime) -> RegisteredRuntime:
        info = runtime.describe()
        secrets = EnvFileSecrets(
            self.home / f"{info.name}.env", keys=(), environment={}, owns_file=True
        )
        plugin = PluginRecord(name=info.name, kind="runtime", state="ready")
        return RegisteredRuntime(info, runtime, plugin, secrets)
