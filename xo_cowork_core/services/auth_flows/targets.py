"""What a person signs in to: a connector, or a runtime that has the ability `LogsIn`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

from xo_cowork_core.sdk import (
    BadRequest,
    NotFound,
    Secrets,
    Unavailable,
    Unsupported,
    UpstreamFailed,
)
from xo_cowork_core.sdk.connector import (
    Account,
    CommandLogin,
    RefreshesTokens,
    SignInMethod,
    TokenSet,
)
from xo_cowork_core.sdk.connector.status import DEFAULT_CONNECTION
from xo_cowork_core.sdk.runtime.sign_in import LogsIn
from xo_cowork_core.services.auth_flows import texts
from xo_cowork_core.services.auth_flows.views import RUNTIME_PREFIX
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.connector_calls import check_methods, identify
from xo_cowork_core.services.connectors.errors import UpstreamError
from xo_cowork_core.services.connectors.oauth_sessions import find_connector
from xo_cowork_core.services.connectors.token_store import StoredConnection
from xo_cowork_core.services.runtimes.calls import checked_call_in_thread, require_type
from xo_cowork_core.services.runtimes.plugin_record import (
    PluginError,
    PluginRecord,
    describe_fault,
)
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import (
    RegisteredConnector,
    RegisteredRuntime,
    Registry,
)

COMPLETE_SECONDS = 30.0


class SignInTarget(Protocol):
    """One connector or runtime, with its plugin and the secrets that its OAuth clients name."""

    @property
    def plugin(self) -> PluginRecord: ...

    @property
    def secrets(self) -> Secrets | None: ...

    async def methods(self) -> Sequence[SignInMethod]:
        """Return the ways to sign in. Raises UpstreamFailed, Unavailable."""
        ...

    def check_connection(self, connection: str) -> None:
        """Raise BadRequest for a malformed name, Conflict when there are too many connections."""
        ...

    async def identify(self, tokens: TokenSet | None) -> Account:
        """Return the account of the tokens. Raises Unauthorized, Unavailable, UpstreamFailed."""
        ...

    async def store(self, connection: str, row: StoredConnection) -> None:
        """Store the result of a sign-in. Raises XoError."""
        ...


class SignInTargets:
    """Finds targets by their key: a connector's name, or `runtime:<name>`."""

    def __init__(self, registry: Registry, connections: Connections, readiness: Readiness) -> None:
        self._registry = registry
        self._connections = connections
        self._readiness = readiness

    def find(self, key: str) -> SignInTarget:
        """Return a target. Raises NotFound, and Unsupported for a runtime without `LogsIn`."""
        if not key.startswith(RUNTIME_PREFIX):
            return ConnectorTarget(find_connector(self._registry, key), self._connections)
        name = key.removeprefix(RUNTIME_PREFIX)
        registered = self._registry.runtime(name)
        if registered is None:
            raise NotFound(f"There is no runtime {name[:64]!r}.")
        if not isinstance(registered.runtime, LogsIn):
            raise Unsupported(f"{registered.info.title} can't be signed in through this server.")
        return RuntimeTarget(registered, self._readiness)

    async def read_input(self, key: str, method_id: str, text: str) -> str:
        """Return the line that a pasted text means to the program of a method.

        Raises BadRequest, NotFound, UpstreamFailed.
        """
        target = self.find(key)
        methods = await target.methods()
        method = next((each for each in methods if each.id == method_id), None)
        if not isinstance(method, CommandLogin) or method.read_input is None:
            return text
        place = "read_input()"
        try:
            return cast("str", require_type(method.read_input(text), str, place))
        except BadRequest:
            raise
        except Exception as error:
            target.plugin.add_fault(place, f"{place}: {describe_fault(error)}")
            raise UpstreamFailed("The text could not be read; the log says why.") from error


@dataclass(frozen=True, slots=True)
class ConnectorTarget:
    """A connector; its tokens are stored as a connection."""

    registered: RegisteredConnector
    connections: Connections

    @property
    def plugin(self) -> PluginRecord:
        return self.registered.plugin

    @property
    def secrets(self) -> Secrets | None:
        return self.registered.secrets

    async def methods(self) -> Sequence[SignInMethod]:
        return await self.connections.methods(self.registered.info.name)

    def check_connection(self, connection: str) -> None:
        self.connections.check_name(self.registered.info.name, connection)

    async def identify(self, tokens: TokenSet | None) -> Account:
        if tokens is None:
            raise UpstreamError(texts.NO_TOKENS)
        return await identify(self.registered, tokens)

    async def store(self, connection: str, row: StoredConnection) -> None:
        if isinstance(self.registered.connector, RefreshesTokens):
            row = replace(row, refreshes=True)
        await self.connections.connect(self.registered.info.name, connection, row)


@dataclass(frozen=True, slots=True)
class RuntimeTarget:
    """A runtime, which stores its sign-in itself."""

    registered: RegisteredRuntime
    readiness: Readiness

    @property
    def plugin(self) -> PluginRecord:
        return self.registered.plugin

    @property
    def secrets(self) -> Secrets | None:
        return self.registered.secrets

    async def methods(self) -> Sequence[SignInMethod]:
        if not self.plugin.serves:
            raise Unavailable(f"The plugin {self.plugin.name} is not ready.", retry_after=1)
        place = "sign_in_methods()"
        runtime = cast("LogsIn", self.registered.runtime)
        try:
            methods = await checked_call_in_thread(self.plugin, runtime, LogsIn.sign_in_methods)
            check_methods(methods)
        except PluginError as fault:
            self.plugin.add_fault(place, str(fault))
            name = self.registered.info.name
            raise UpstreamFailed(f"The runtime {name} failed; the log says why.") from fault
        return list(methods)

    def check_connection(self, connection: str) -> None:
        if connection != DEFAULT_CONNECTION:
            raise BadRequest("A runtime has one sign-in.")

    async def identify(self, tokens: TokenSet | None) -> Account:
        if not self.plugin.serves:
            raise Unavailable(f"The plugin {self.plugin.name} is not ready.", retry_after=1)
        return await self.registered.call(
            LogsIn.complete_sign_in, tokens, action="complete the sign-in", seconds=COMPLETE_SECONDS
        )

    async def store(self, connection: str, row: StoredConnection) -> None:
        # the runtime has stored it; what is known of its health is out of date
        self.readiness.forget([self.registered.info.name])
