"""The stand-in serves a client that was not written here: that of the MCP SDK."""

import asyncio
import ssl
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.vercel import FakeVercel

MCP = "https://mcp.vercel.com"
REDIRECT_URI = "http://127.0.0.1:53100/callback"


class Storage:
    """Tokens and client in memory."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Browser:
    """The person who follows the client's link, and the page that the browser ends on."""

    def __init__(self, vercel: FakeVercel) -> None:
        self._vercel = vercel
        self._query: dict[str, list[str]] = {}

    async def open(self, url: str) -> None:
        location = await asyncio.to_thread(self._vercel.visit, url)
        self._query = parse_qs(urlsplit(location).query)

    async def come_back(self) -> AuthorizationCodeResult:
        return AuthorizationCodeResult(code=self._query["code"][0], state=self._query["state"][0])


@pytest.fixture
def client_network(vercel: FakeVercel, network: LoopbackNetwork) -> Iterator[LoopbackNetwork]:
    vercel.clear()
    yield network
    network.check()


def test_the_mcp_sdk_registers_signs_in_and_refreshes(
    vercel: FakeVercel, client_network: LoopbackNetwork
) -> None:
    browser, storage = Browser(vercel), Storage()
    metadata = OAuthClientMetadata.model_validate(
        {"redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none"}
    )
    provider = OAuthClientProvider(MCP, metadata, storage, browser.open, browser.come_back)
    verify = ssl.create_default_context(cafile=client_network.authority)
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "sdk"}}
    call = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}

    async def use() -> None:
        async with httpx2.AsyncClient(
            proxy=client_network.proxy_url, verify=verify, trust_env=False, auth=provider
        ) as http:
            assert (await http.post(MCP, json=call)).status_code == 200
            vercel.expire("access")
            provider.context.token_expiry_time = time.time() - 1
            assert (await http.post(MCP, json=call)).status_code == 200

    asyncio.run(use())
    assert [each.parameters["grant_type"] for each in vercel.requests("token")] == [
        "authorization_code",
        "refresh_token",
    ]
    assert len(vercel.requests("register")) == 1
    assert storage.tokens and vercel.has_signed_in(storage.tokens.access_token)
