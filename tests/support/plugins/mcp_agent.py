"""A connector with an MCP server, and a runtime that tells its MCP servers to the test.

`ACME_MCP` is the JSON of the fields of the `McpEndpoint`; empty: none. The runtime yields its
servers as JSON, and a prompt `hold` runs until its folder has the file `released`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

from pydantic import SecretStr

from xo_cowork_core.sdk import (
    Contributions,
    Event,
    HostContext,
    Runtime,
    RuntimeInfo,
    Setting,
    TextDelta,
    Turn,
    hookimpl,
)
from xo_cowork_core.sdk.connector import (
    Account,
    ApiKey,
    AuthorizationCode,
    Connector,
    ConnectorInfo,
    McpEndpoint,
    OAuthClient,
    OAuthServer,
    ProvidesMcpServer,
    SignInMethod,
    TokenSet,
    fetch_account,
)

URL = Setting("ACME_URL", "Address of Acme.", kind="url")
MCP = Setting("ACME_MCP", "The endpoint of its MCP server.")


class Acme(Connector, ProvidesMcpServer):
    def __init__(self, context: HostContext) -> None:
        self._context, self._url = context, context.settings[URL.name]

    def describe(self) -> ConnectorInfo:
        return ConnectorInfo("acme", "Acme")

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        return [
            AuthorizationCode(OAuthServer(issuer=self._url), OAuthClient("test-client")),
            ApiKey(),
        ]

    async def identify(self, tokens: TokenSet) -> Account:
        user = await fetch_account(self._context.http, f"{self._url}/userinfo", tokens)
        return Account(str(user["sub"]))

    def mcp_server(self) -> McpEndpoint | None:
        fields = self._context.settings[MCP.name]
        return McpEndpoint(**json.loads(fields)) if fields else None


class Agent(Runtime):
    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("agent", "Agent")

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        yield TextDelta(
            json.dumps(
                [
                    _revealed(server.headers) | {"name": server.name, "url": server.url}
                    for server in turn.mcp_servers
                ]
            )
        )
        while turn.text == "hold" and not (turn.cwd / "released").exists():
            await asyncio.sleep(0.01)


def _revealed(headers: "dict[str, SecretStr]") -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in headers.items()}


class Plugin:
    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(settings=[URL, MCP])

    @hookimpl
    def xo_connectors(self, context: HostContext) -> Sequence[Connector]:
        return [Acme(context)]

    @hookimpl
    def xo_runtimes(self) -> Sequence[Runtime]:
        return [Agent()]


plugin = Plugin()
