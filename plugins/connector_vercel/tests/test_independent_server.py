"""The connector signs in at an authorization server that was not written here: the MCP SDK's.

Its endpoints are not those that Vercel documents, so discovery has to find them.
"""

import secrets
import time
from collections.abc import Iterator

import httpx
import pytest
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes, create_protected_resource_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.loopback_network import LoopbackNetwork
from xo_cowork_core.sdk.testing import Connections, LiveServer

ISSUER, RESOURCE = AnyHttpUrl("https://vercel.com"), AnyHttpUrl("https://mcp.vercel.com")
SCOPES = ["openid", "email", "profile", "offline_access"]
LIFE_SECONDS = 3600


class MemoryProvider(
    OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]
):
    """What the SDK leaves to its users: the storage of clients, codes and tokens."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.refreshes = 0

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        assert client_info.client_id
        self.clients[client_info.client_id] = client_info

    async def authorize(
        self, client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        code = AuthorizationCode(
            code=f"{secrets.token_hex(16)}/+=",
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=str(client.client_id),
            **params.model_dump(exclude={"scopes", "state"}),
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        assert authorization_code.resource == "https://mcp.vercel.com"
        return self._issue(str(client.client_id), authorization_code.scopes)

    async def load_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: str
    ) -> RefreshToken | None:
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        del self.refresh[refresh_token.token]
        self.refreshes += 1
        return self._issue(str(client.client_id), scopes or refresh_token.scopes)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.access.clear()
        self.refresh.clear()

    async def show_user(self, request: Request) -> Response:
        """Answer as Vercel's userinfo endpoint does, and refuse as its MCP server does."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.access:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse({"sub": "user-1", "preferred_username": "octo"})

    def _issue(self, client_id: str, scopes: list[str]) -> OAuthToken:
        access = AccessToken(token=secrets.token_hex(16), client_id=client_id, scopes=scopes)
        refresh = RefreshToken(token=secrets.token_hex(16), client_id=client_id, scopes=scopes)
        self.access[access.token], self.refresh[refresh.token] = access, refresh
        return OAuthToken(
            access_token=access.token,
            token_type="Bearer",
            expires_in=LIFE_SECONDS,
            scope=" ".join(scopes),
            refresh_token=refresh.token,
        )


@pytest.fixture(scope="module")
def provider() -> MemoryProvider:
    return MemoryProvider()


@pytest.fixture(scope="module")
def foreign_network(provider: MemoryProvider) -> Iterator[LoopbackNetwork]:
    registration = ClientRegistrationOptions(enabled=True, valid_scopes=SCOPES)
    revocation = RevocationOptions(enabled=True)
    auth = create_auth_routes(provider, ISSUER, None, registration, revocation)
    resource = create_protected_resource_routes(RESOURCE, [ISSUER], SCOPES)
    hosts = {
        "vercel.com": Starlette(routes=auth),
        "mcp.vercel.com": Starlette(
            routes=[*resource, Route("/", provider.show_user, methods=["POST"])]
        ),
        "api.vercel.com": Starlette(routes=[Route("/login/oauth/userinfo", provider.show_user)]),
    }
    with LoopbackNetwork(hosts) as network:
        yield network


def test_the_connector_signs_in_refreshes_and_disconnects(
    foreign_network: LoopbackNetwork, provider: MemoryProvider
) -> None:
    environment = {**foreign_network.environment, "XO_PLUGINS": "connector_vercel"}
    with LiveServer(environment=environment) as server, foreign_network.client() as browser:
        connections = Connections(server, "vercel")
        flow = connections.connect(method="oauth")
        answer = browser.get(str(flow["authorize_url"]))
        assert answer.status_code == 302, answer.text
        page = httpx.get(answer.headers["location"], timeout=30, trust_env=False)
        assert page.status_code == 200, page.text
        assert connections.wait(flow["flow_id"])["state"] == "completed"
        (client,) = provider.clients.values()
        assert client.token_endpoint_auth_method == "none"
        assert connections.status()["username"] == "octo"

        # the check finds the access token invalid, and refreshes it
        provider.access.clear()
        server.restart()
        after = Connections(server, "vercel")
        assert after.status(verify=True)["connected"]
        assert provider.refreshes == 1
        # this server (mcp 2.3) revokes no token of a public client: it wants a client_secret
        assert after.disconnect()["status"] == "needs_auth"
        assert after.state() == "disconnected"
