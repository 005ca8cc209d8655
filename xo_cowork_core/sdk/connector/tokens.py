"""Tokens of a connection, and the interface through which a plugin gets them."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr

from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass


@frozen_dataclass
class TokenSet:
    """The tokens of one connection, as an RFC 6749 §5.1 answer gives them.

    `expires_at` has an offset; None means that the token does not expire, or that it is unknown.
    `extra` holds further members of the answer whose values are strings, such as `id_token`.
    """

    access_token: SecretStr
    refresh_token: SecretStr | None = None
    expires_at: datetime | None = None
    token_type: str = "Bearer"  # noqa: S105  # the name of a scheme
    scopes: tuple[str, ...] = ()
    extra: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])


class ConnectorTokens(Protocol):
    """The tokens of one plugin's connectors. `connection` tells several accounts apart."""

    async def get(self, connector: str, connection: str = "default") -> TokenSet:
        """Return tokens that are valid for at least another 60 s, refreshed if need be.

        However many callers wait, one refresh runs. Raises `Unauthorized` when a person has to
        sign in (again), `Unavailable` while the provider can't be reached and the old token has
        expired, `NotFound` for a connector of another plugin.
        """
        ...

    async def refresh(
        self, connector: str, refused: TokenSet, connection: str = "default"
    ) -> TokenSet:
        """Return tokens that are newer than `refused`, which the service does not accept any more.

        However many callers wait, one refresh runs. Raises as `get`; `Unauthorized` also where the
        tokens can't be refreshed: a person then has to sign in again.
        """
        ...

    async def set(self, connector: str, tokens: TokenSet, connection: str = "default") -> None:
        """Store tokens that the plugin got by itself; the connection becomes `connected`."""
        ...

    async def delete(self, connector: str, connection: str = "default") -> None:
        """Delete the tokens without revoking them. Harmless when there are none."""
        ...
