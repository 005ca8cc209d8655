"""Refreshes and revokes the tokens of stored connections. Stores nothing by itself."""

import asyncio
import logging
from dataclasses import replace

from xo_cowork_core.sdk import NotFound, Unavailable, XoError
from xo_cowork_core.sdk.connector import (
    AuthorizationCode,
    CommandLogin,
    DeviceCode,
    OAuthClient,
    OAuthServer,
    RefreshesTokens,
    SignInMethod,
    TokenSet,
)
from xo_cowork_core.services.connectors.clients import OAuthClients
from xo_cowork_core.services.connectors.connector_calls import (
    list_methods,
    refresh,
    revoke,
)
from xo_cowork_core.services.connectors.discovery import Discovery
from xo_cowork_core.services.connectors.errors import (
    InvalidClient,
    InvalidGrant,
    NotConfigured,
    UpstreamUnreachable,
)
from xo_cowork_core.services.connectors.oauth_requests import OAuthRequests
from xo_cowork_core.services.connectors.token_store import StoredConnection
from xo_cowork_core.services.runtimes.registry import RegisteredConnector, Registry

REFRESH_SECONDS = 30.0
REVOKE_SECONDS = 10.0
log = logging.getLogger("xo_cowork.connectors")


class OAuthSessions:
    """OAuth with the server and the client by which a connection was signed in."""

    def __init__(
        self,
        registry: Registry,
        requests: OAuthRequests,
        discovery: Discovery,
        clients: OAuthClients,
    ) -> None:
        self._registry = registry
        self._requests = requests
        self._discovery = discovery
        self._clients = clients

    async def refresh(self, connector: str, row: StoredConnection) -> TokenSet:
        """Return new tokens within 30 s.

        Raises InvalidGrant when a person has to sign in again, else Unavailable or UpstreamFailed.
        """
        assert row.tokens is not None
        registered = self._registered(connector)
        if refreshed := await self._refresh_by_itself(registered, row.method, row.tokens):
            return refreshed
        server, declared = await self._declaration(registered, row.method)
        try:
            async with asyncio.timeout(REFRESH_SECONDS):
                metadata = await self._discovery.resolve(server)
                client = await self._clients.recall(
                    declared, metadata, registered.secrets, row.client_id
                )
                try:
                    return await self._requests.refresh(metadata, client, row.tokens)
                except InvalidClient:
                    if not client.registered:
                        raise
                    # the tokens were issued to this client: they are lost with it
                    await self._clients.forget(client.client_id)
                    raise InvalidGrant("The service forgot this server.") from None
        except TimeoutError:
            raise UpstreamUnreachable("The service did not answer in time.") from None

    async def revoke(self, connector: str, row: StoredConnection) -> None:
        """Revoke tokens at the provider, best effort, within 10 s. What fails is logged."""
        if row.tokens is None:
            return
        try:
            async with asyncio.timeout(REVOKE_SECONDS):
                await self._revoke(connector, row, row.tokens)
        except TimeoutError:
            log.warning("connector %s: revoking the tokens took too long", connector)
        except XoError as error:
            log.warning("connector %s: the tokens were not revoked: %s", connector, error.message)

    async def _revoke(self, connector: str, row: StoredConnection, tokens: TokenSet) -> None:
        registered = self._registered(connector)
        if await revoke(registered, tokens):
            return
        if not row.refreshes:
            return
        server, declared = await self._declaration(registered, row.method)
        metadata = await self._discovery.resolve(server)
        if metadata.server.revocation_endpoint:
            client = await self._clients.recall(
                declared, metadata, registered.secrets, row.client_id
            )
            await self._requests.revoke(metadata, client, tokens)

    async def _refresh_by_itself(
        self, registered: RegisteredConnector, method_id: str, tokens: TokenSet
    ) -> TokenSet | None:
        """Let the connector refresh the tokens of a method without OAuth of the host's."""
        methods = {each.id: each for each in await list_methods(registered)}
        method = methods.get(method_id)
        if method is not None and oauth_declaration(method) is not None:
            return None
        fresh = await refresh(registered, tokens)
        return fresh and replace(fresh, extra={**tokens.extra, **fresh.extra})

    def _registered(self, connector: str) -> RegisteredConnector:
        registered = self._registry.connectors.get(connector)
        if registered is None:
            raise Unavailable(f"The connector {connector} is not loaded.")
        return registered

    async def _declaration(
        self, registered: RegisteredConnector, method_id: str
    ) -> tuple[OAuthServer, OAuthClient]:
        methods = await list_methods(registered)
        method = next((each for each in methods if each.id == method_id), None)
        declaration = oauth_declaration(method) if method else None
        if declaration is None:
            raise NotConfigured("The connector no longer has this way to sign in.")
        return declaration


def is_refreshed(registered: RegisteredConnector, method: SignInMethod | None) -> bool:
    """Return whether the tokens of a method are refreshed, by the host or by the connector."""
    if method is None:
        return False
    return oauth_declaration(method) is not None or isinstance(
        registered.connector, RefreshesTokens
    )


def oauth_declaration(method: SignInMethod) -> tuple[OAuthServer, OAuthClient] | None:
    """Return the server and the client of a method; None where the host does no OAuth for it."""
    if isinstance(method, AuthorizationCode | DeviceCode):
        return method.server, method.client
    if isinstance(method, CommandLogin) and method.server is not None:
        return method.server, method.client
    return None


def find_connector(registry: Registry, name: str) -> RegisteredConnector:
    """Return a registered connector. Raises NotFound."""
    registered = registry.connectors.get(name)
    if registered is None:
        raise NotFound(f"There is no connector {name[:64]!r}.")
    return registered


def check_owner(registry: Registry, plugin: str, connector: str) -> None:
    """Raise NotFound for a connector that is not the plugin's."""
    registered = registry.connectors.get(connector)
    if registered is None or registered.plugin.name != plugin:
        raise NotFound(f"The plugin {plugin} has no connector {connector[:64]!r}.")
