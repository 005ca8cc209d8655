"""Connector: a service outside the workspace that a person signs in to."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.connector.methods import SignInMethod
from xo_cowork_core.sdk.connector.tokens import TokenSet
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.sdk.runtime.turn import Turn

ConnectionState: TypeAlias = Literal[
    "needs_auth", "connected", "refreshing", "degraded", "needs_reauth", "disconnected"
]


@frozen_dataclass
class ConnectorInfo:
    """A connector's unique `name`, which is part of its routes, and its title for people.

    `name` matches `[a-z0-9][a-z0-9_-]{0,63}`.
    """

    name: str
    title: str


@frozen_dataclass
class Account:
    """The account that a connection belongs to. `id` is stable: a reconnection must have the same.

    Empty strings mean that the provider doesn't say. `scopes` are what it says that these tokens
    may do; where it says nothing, the scopes of the token answer count.
    """

    id: str
    username: str = ""
    name: str = ""
    email: str = ""
    avatar_url: str = ""
    scopes: tuple[str, ...] = ()


class Connector(ABC):
    """One outside service.

    The host carries out the sign-in, keeps and refreshes the tokens and serves the routes under
    `/api/connectors/<name>`.
    """

    @abstractmethod
    def describe(self) -> ConnectorInfo:
        """Return the connector's name and title. Called often: must be cheap and constant."""

    @abstractmethod
    def sign_in_methods(self) -> Sequence[SignInMethod]:
        """Return the ways to sign in, the best first, each with an `id` of its own.

        Called in a thread, at each sign-in, refresh and list: it may depend on settings and
        secrets and read files, within 10 s.
        """

    @abstractmethod
    async def identify(self, tokens: TokenSet) -> Account:
        """Return the account that the tokens belong to, within 30 s; also proves that they work.

        Raises `Unauthorized` when the service refuses the tokens; `Unavailable` or
        `UpstreamFailed` when it can't tell now (unreachable, overloaded, rate limit).
        """


class Revokes(ABC):
    """Revokes tokens by itself. The host does it where the server has a revocation endpoint."""

    @abstractmethod
    async def revoke(self, tokens: TokenSet) -> None:
        """Revoke the tokens at the provider, within 10 s. What it raises is logged."""


class RefreshesTokens(ABC):
    """Refreshes the tokens of its sign-in programs by itself.

    The host does it where a method declares the authorization server and the client.
    """

    @abstractmethod
    async def refresh(self, tokens: TokenSet) -> TokenSet:
        """Return new tokens for those of a `CommandLogin` or `AgentLogin`, within 30 s.

        Called with tokens that have a refresh token, never twice at once for a connection; the
        host stores the result before it uses it. Raises `Unauthorized` when a person has to sign
        in again, else `Unavailable` or `UpstreamFailed`.
        """


class ProvidesTurnEnvironment(ABC):
    """Adds entries to the environment of agents while it is connected, such as a configuration."""

    @abstractmethod
    def turn_environment(self, turn: Turn, tokens: TokenSet) -> Mapping[str, SecretStr]:
        """Return the entries for one turn. Must not block.

        An entry that contains a token is left out: see `ProvidesRawTokens`.
        """


class ProvidesRawTokens(ABC):
    """Gives its tokens to the agents of projects that ask for them, while it is connected."""

    @abstractmethod
    def raw_token_environment(self, turn: Turn, tokens: TokenSet) -> Mapping[str, SecretStr]:
        """Return the entries with tokens for one turn, such as `GH_TOKEN`. Must not block.

        Called only for projects whose switch `raw_tokens` is on; it is off by default.
        """


@frozen_dataclass
class McpEndpoint:
    """An MCP server of the service, which speaks streamable HTTP.

    `url` is https, or http on a loopback address, and has neither credentials nor a fragment. The
    access token is sent as `Authorization: Bearer <token>`, or alone in the header `token_header`.
    """

    url: str
    token_header: str = ""


class ProvidesMcpServer(ABC):
    """Has an MCP server, whose tools agents may call while the connector is connected.

    Agents reach it through the host, which adds the token, refreshes it, and keeps it from them.
    """

    @abstractmethod
    def mcp_server(self) -> McpEndpoint | None:
        """Return the MCP server; None when there is none at the moment.

        Called at each turn and at each request of an agent, so it may depend on settings; must
        not block.
        """


@frozen_dataclass
class GitCredential:
    """What git sends to a host as Basic authentication. Neither has a line end."""

    username: str
    password: SecretStr


class ProvidesGitCredentials(ABC):
    """Lets git of agents into the repositories of the service while the connector is connected.

    The host runs a credential helper for each turn: agents have neither the token nor a file with
    it, and what they have works only while a turn runs.
    """

    @abstractmethod
    def git_hosts(self) -> Sequence[str]:
        """Return the hosts of its repositories over https, such as `github.com`, with the port
        unless it is 443. Called at each turn: must be cheap."""

    @abstractmethod
    def git_credential(self, tokens: TokenSet) -> GitCredential:
        """Return what git sends to these hosts. Must not block."""
