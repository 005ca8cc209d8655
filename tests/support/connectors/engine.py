"""The services of connectors without routes: over a folder, with a connector of the test."""

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, Self, TypeVar

import httpx
from pydantic import SecretStr

from xo_cowork_core.sdk import Unauthorized, Unavailable
from xo_cowork_core.sdk.connector import (
    Account,
    AuthorizationCode,
    Connector,
    ConnectorInfo,
    DeviceCode,
    OAuthClient,
    OAuthServer,
    SignInMethod,
    TokenSet,
)
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.services.auth_flows.auth_flows import AuthFlows
from xo_cowork_core.services.auth_flows.preparation import Preparation
from xo_cowork_core.services.auth_flows.targets import SignInTargets
from xo_cowork_core.services.auth_flows.tools import FlowTools
from xo_cowork_core.services.auth_flows.views import FlowView
from xo_cowork_core.services.clock import Clock, SystemClock
from xo_cowork_core.services.connectors.clients import OAuthClients
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.discovery import Discovery
from xo_cowork_core.services.connectors.events import ConnectionEvents
from xo_cowork_core.services.connectors.oauth_requests import OAuthRequests
from xo_cowork_core.services.connectors.oauth_sessions import OAuthSessions
from xo_cowork_core.services.connectors.token_store import TokenStore
from xo_cowork_core.services.http import SharedHttpClient
from xo_cowork_core.services.processes.supervisor import ProcessSupervisor
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import (
    PluginRecord,
    RegisteredConnector,
    Registry,
)
from xo_cowork_core.services.secrets.redaction import SecretRedactor

WAIT_SECONDS = 30.0
CONNECTOR = "acme"
T = TypeVar("T")


class HasUrl(Protocol):
    """A server with a base URL."""

    url: str


class UserinfoConnector(Connector):
    """Identifies accounts at the fake server's `/userinfo`, with an HTTP client of its own."""

    def __init__(self, server: HasUrl | None, methods: Sequence[SignInMethod] = ()) -> None:
        self.server = server
        self.methods = list(methods)
        self.identified = 0
        self.error: Exception | None = None
        self.scopes: tuple[str, ...] = ()

    def describe(self) -> ConnectorInfo:
        return ConnectorInfo(CONNECTOR, "Acme")

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        return self.methods

    async def identify(self, tokens: TokenSet) -> Account:
        self.identified += 1
        if self.error is not None:
            raise self.error
        if self.server is None:
            return Account("account-1", username="octo", scopes=self.scopes)
        headers = {"authorization": f"Bearer {tokens.access_token.get_secret_value()}"}
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            answer = await client.get(f"{self.server.url}/userinfo", headers=headers)
        if answer.status_code == 401:
            raise Unauthorized("The token does not work.")
        if answer.status_code != 200:
            raise Unavailable("The service is down.")
        body = answer.json()
        return Account(body["sub"], username=body["preferred_username"], email=body["email"])


class FixedSecrets:
    """The secrets of a plugin, in memory."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = {key: SecretStr(value) for key, value in values.items()}

    def environment(self) -> Mapping[str, SecretStr]:
        return self.values

    def store(self, values: Mapping[str, SecretStr]) -> None:
        self.values.update(values)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.values.pop(key, None)


def code_method(server: HasUrl, **fields: object) -> AuthorizationCode:
    """An authorization code method of the fake server's public client."""
    return AuthorizationCode(
        OAuthServer(issuer=server.url), OAuthClient("test-client"), scopes=("read",), **fields
    )


def device_method(server: HasUrl) -> DeviceCode:
    """A device code method of the fake server's public client."""
    return DeviceCode(OAuthServer(issuer=server.url), OAuthClient("test-client"))


class ConnectorEngine:
    """All services of connectors on one state folder; several in turn are restarts."""

    def __init__(
        self,
        folder: Path,
        connector: UserinfoConnector,
        *,
        clock: Clock | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.connector = connector
        self.clock = clock or SystemClock()
        self.record = PluginRecord("connector_acme", state="ready")
        self.registry = Registry()
        self.registry.add_connector(
            RegisteredConnector(
                connector.describe(), connector, self.record, secrets=FixedSecrets(secrets or {})
            )
        )
        self.http = SharedHttpClient()
        self.requests = OAuthRequests(self.http, self.clock)
        self.discovery = Discovery(self.http, self.clock)
        self.clients = OAuthClients(folder / "registrations.json", self.requests)
        self.redactor = SecretRedactor()
        self.store = TokenStore(folder / "tokens", self.redactor)
        sessions = OAuthSessions(self.registry, self.requests, self.discovery, self.clients)
        self.events = ConnectionEvents(self.clock)
        options = (self.clock, self.events, {})
        self.connections = Connections(self.registry, self.store, sessions, *options)
        self.processes = ProcessSupervisor(folder)
        tools = FlowTools(
            targets=SignInTargets(self.registry, self.connections, Readiness(self.clock)),
            redactor=self.redactor,
            preparation=Preparation(self.discovery, self.clients, self.requests, self.clock),
            processes=self.processes,
            http=self.http,
            find_program=_find_program,
            clock=self.clock,
            program_folders=folder / "sign-ins",
        )
        self.flows = AuthFlows(tools, folder / "flows.json")

    async def __aenter__(self) -> Self:
        await self.processes.start()
        await self.clients.start()
        await self.connections.start()
        await self.flows.resume()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.flows.stop()
        await self.connections.stop()
        await self.http.close()
        await self.processes.stop()

    async def start(self, **options: object) -> FlowView:
        """Start a flow of the connector's first method, or of `method`."""
        return await self.flows.start(CONNECTOR, **{"method": None, **options})

    async def reaches(self, flow: FlowView, *states: str) -> FlowView:
        """Wait until a flow has one of the states."""
        return await eventually(
            lambda: self.flows.read(CONNECTOR, flow.flow_id),
            lambda view: view.state in states,
        )

    async def signed_in(self, server: FakeOAuthServer, **options: object) -> FlowView:
        """Sign in with the browser, to the end."""
        flow = await self.start(**options)
        assert flow.authorize_url
        answer = await asyncio.to_thread(server.sign_in, flow.authorize_url)
        assert answer.status_code == 200, answer.text
        return await self.reaches(flow, "completed")


async def eventually(read: Callable[[], T], is_right: Callable[[T], bool]) -> T:
    """Return what `read` returns once it is right."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    while not is_right(value := read()):
        assert loop.time() < deadline, f"not in time: {value}"
        await asyncio.sleep(0.01)
    return value


def _find_program(name: str) -> Path | None:
    path = shutil.which(name)
    return Path(path) if path else None
