"""Connector: a service outside the workspace that a person signs in to."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.connector.methods import SignInMethod
from xo_cowork_core.sdk.connector.tokens import TokenSet
from xo_cowork_core.sdk.runtime.turn import Turn

ConnectionState: TypeAlias = Literal[
    "needs_auth", "connected", "refreshing", "degraded", "needs_reauth", "disconnected"
]


@dataclass(frozen=True, slots=True)
class ConnectorInfo:
    """A connector's unique `name`, which is part of its routes, and its title for people.

    `name` matches `[a-z0-9][a-z0-9_-]{0,63}`.
    """

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Account:
    """The account that a connection belongs to. `id` is stable: a reconnection must have the same.

    Empty strings mean that the provider doesn't say.
    """

    id: str
    username: str = ""
    name: str = ""
    email: str = ""
    avatar_url: str = ""


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

        Called at each sign-in, so the list may depend on settings and secrets; must not block.
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


class ProvidesTurnEnvironment(ABC):
    """Adds entries to the environment of agents while it is connected."""

    @abstractmethod
    def turn_environment(self, turn: Turn, tokens: TokenSet) -> Mapping[str, SecretStr]:
        """Return the entries for one turn. Must not block."""
