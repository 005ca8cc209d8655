"""A `HostContext` in memory, for unit tests of a plugin without a server."""

import asyncio
import logging
import shutil
import uuid
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pydantic import SecretStr

from xo_cowork_core.sdk.connector.status import DEFAULT_CONNECTION, ConnectionStatus
from xo_cowork_core.sdk.connector.tokens import TokenSet
from xo_cowork_core.sdk.context import HostContext
from xo_cowork_core.sdk.errors import NotFound, Unauthorized, Unavailable
from xo_cowork_core.sdk.events.base import Event, JsonValue
from xo_cowork_core.sdk.http import HttpResponse
from xo_cowork_core.sdk.runtime.runtime import Runtime
from xo_cowork_core.sdk.runtime.turn import Permissions, Turn, TurnMcpServer
from xo_cowork_core.sdk.sign_in import FlowUpdate, FlowView, Redirect
from xo_cowork_core.sdk.testing.fake_processes import FakeProcesses

T = TypeVar("T")
Respond = Callable[[str, str], HttpResponse]
BASE_URL = "http://127.0.0.1:5002"
TURN_SECONDS = 60.0


class FakePaths:
    """Folders below one temporary folder; executables from PATH."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.projects_root = self.home / "xo-projects"
        self._state = self.home / ".xo-cowork" / "plugins" / "plugin"
        self.projects_root.mkdir(parents=True, exist_ok=True)

    def ensure_state_folder(self) -> Path:
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._state

    def binary(self, name: str, override: str = "") -> Path | None:
        path = shutil.which(str(Path(override or name).expanduser()))
        return Path(path).absolute() if path else None


class FakeSecrets:
    """Keys in memory."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {key: SecretStr(value) for key, value in values.items()}

    def environment(self) -> Mapping[str, SecretStr]:
        return dict(self._values)

    def store(self, values: Mapping[str, SecretStr]) -> None:
        self._values.update(values)

    def delete(self, keys: Collection[str]) -> None:
        for key in keys:
            self._values.pop(key, None)


class FakeTokens:
    """Tokens of connectors in memory; nothing is refreshed."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, str], TokenSet] = {}

    async def get(self, connector: str, connection: str = "default") -> TokenSet:
        try:
            return self._tokens[connector, connection]
        except KeyError:
            raise Unauthorized(f"{connector} is not connected") from None

    async def refresh(
        self, connector: str, refused: TokenSet, connection: str = "default"
    ) -> TokenSet:
        tokens = await self.get(connector, connection)
        if tokens == refused:
            raise Unauthorized(f"{connector} has no newer tokens")
        return tokens

    async def set(self, connector: str, tokens: TokenSet, connection: str = "default") -> None:
        self._tokens[connector, connection] = tokens

    async def delete(self, connector: str, connection: str = "default") -> None:
        self._tokens.pop((connector, connection), None)

    def names(self, connector: str) -> Sequence[str]:
        """Return the names of the connections that have tokens."""
        return [name for owner, name in self._tokens if owner == connector]


class FakeConnections:
    """The states that follow from the tokens in memory: `connected`, or `needs_auth`."""

    def __init__(self, tokens: FakeTokens) -> None:
        self._tokens = tokens

    def statuses(self, connector: str) -> Sequence[ConnectionStatus]:
        others = [name for name in self._tokens.names(connector) if name != DEFAULT_CONNECTION]
        return [self.status(connector, name) for name in (DEFAULT_CONNECTION, *sorted(others))]

    def status(self, connector: str, connection: str = DEFAULT_CONNECTION) -> ConnectionStatus:
        is_connected = connection in self._tokens.names(connector)
        state = "connected" if is_connected else "needs_auth"
        return ConnectionStatus(connector, connection, state)

    async def check(self, connector: str, connection: str = DEFAULT_CONNECTION) -> ConnectionStatus:
        return self.status(connector, connection)

    def export(self, connector: str) -> None:
        """Do nothing: nothing is exported without the server."""

    async def disconnect(
        self, connector: str, connection: str = DEFAULT_CONNECTION
    ) -> ConnectionStatus:
        await self._tokens.delete(connector, connection)
        return ConnectionStatus(connector, connection, "disconnected")


class FakeSignIns:
    """Carries out no sign-in: flows need the server. Every flow is unknown."""

    async def start(
        self,
        name: str,
        *,
        method: str | None = None,
        connection: str = DEFAULT_CONNECTION,
        attach: bool = True,
        force: bool = False,
        redirect: Redirect | None = None,
        redirect_uri: str = "",
        input: str | None = None,  # noqa: A002  # as in `SignIns`
        seconds: float = 10.0,
    ) -> FlowView:
        raise Unavailable("There is no sign-in in this test: use `LiveServer`")

    async def find_open(self, name: str, connection: str = DEFAULT_CONNECTION) -> FlowView | None:
        return None

    async def read(self, name: str, flow_id: str) -> FlowView:
        raise NotFound("There is no such sign-in")

    async def submit(self, name: str, flow_id: str, text: str) -> FlowView:
        return await self.read(name, flow_id)

    async def cancel(self, name: str, flow_id: str) -> FlowView:
        return await self.read(name, flow_id)

    async def wait(self, name: str, flow_id: str, seconds: float) -> FlowView:
        return await self.read(name, flow_id)

    def follow(self, name: str, flow_id: str) -> AsyncIterator[FlowUpdate]:
        raise NotFound("There is no such sign-in")


class FakeHttp:
    """Answers requests with a function of method and URL; `requests` has what was sent."""

    def __init__(self, respond: Respond | None) -> None:
        self._respond = respond
        self.requests: list[tuple[str, str]] = []

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | SecretStr] | None = None,
        params: Mapping[str, str] | None = None,
        json: JsonValue = None,
        data: Mapping[str, str | SecretStr] | None = None,
        content: bytes | AsyncIterable[bytes] | None = None,
        timeout: float = 30.0,
        socket: Path | None = None,
    ) -> HttpResponse:
        self.requests.append((method, url))
        if self._respond is None:
            raise Unavailable("There is no network in this test")
        return self._respond(method, url)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | SecretStr] | None = None,
        params: Mapping[str, str] | None = None,
        json: JsonValue = None,
        data: Mapping[str, str | SecretStr] | None = None,
        content: bytes | AsyncIterable[bytes] | None = None,
        timeout: float = 30.0,
        idle_timeout: float = 300.0,
        socket: Path | None = None,
    ) -> AsyncGenerator["FakeHttpStream"]:
        yield FakeHttpStream(await self.request(method, url))


class FakeHttpStream:
    """An answer whose body comes in one piece."""

    def __init__(self, response: HttpResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self._body = response.body

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._body:
            yield self._body


class FakeContext(HostContext):
    """The services of the host over a temporary folder, to use as `async with`.

    Settings, secrets and tokens are in memory, processes are real. `mcp_servers` are the shared
    ones. `respond` answers HTTP requests;
    without it there is no network. Leaving the block ends the processes and the tasks, and raises
    what a task raised.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        respond: Respond | None = None,
    ) -> None:
        self._paths = FakePaths(folder)
        self._secrets = FakeSecrets(secrets or {})
        self._processes = FakeProcesses(self._paths.home)
        self._tokens = FakeTokens()
        self._http = FakeHttp(respond)
        self._settings = dict(settings or {})
        self._tasks: list[asyncio.Task[Any]] = []
        self.mcp_servers: Sequence[TurnMcpServer] = ()

    async def __aenter__(self) -> "FakeContext":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._processes.stop()
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        faults = [r for r in results if isinstance(r, Exception)]
        if faults and error is None:
            raise faults[0]

    @property
    def paths(self) -> FakePaths:
        return self._paths

    @property
    def secrets(self) -> FakeSecrets:
        return self._secrets

    @property
    def processes(self) -> FakeProcesses:
        return self._processes

    @property
    def tokens(self) -> FakeTokens:
        return self._tokens

    def shared_mcp_servers(self, agent_name: str) -> Sequence[TurnMcpServer]:
        """Return `mcp_servers`."""
        return self.mcp_servers

    @property
    def connections(self) -> FakeConnections:
        return FakeConnections(self._tokens)

    @property
    def sign_in(self) -> FakeSignIns:
        return FakeSignIns()

    @property
    def http(self) -> FakeHttp:
        return self._http

    @property
    def log(self) -> logging.Logger:
        return logging.getLogger("xo_cowork.plugin")

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    def url_for(self, path: str) -> str:
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError("a path starts with one /")
        return BASE_URL + path

    def create_task(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.append(task)
        return task

    def turn(self, text: str, *, permissions: Permissions | None = None) -> Turn:
        """Return a first turn with this prompt, in a project folder that exists."""
        folder = self._paths.projects_root / "test"
        folder.mkdir(exist_ok=True)
        return Turn(
            stream_id=str(uuid.uuid4()),
            session_id=str(uuid.uuid4()),
            text=text,
            cwd=folder,
            permissions=permissions or Permissions(),
            environment=self._secrets.environment(),
        )

    async def run(self, runtime: Runtime, turn: Turn) -> list[Event]:
        """Run a turn and return its events. Raises what `run` raises, `TimeoutError` after 60 s."""
        async with asyncio.timeout(TURN_SECONDS):
            events = [event async for event in runtime.run(turn)]
        await self._processes.stop(turn.stream_id)
        return events
