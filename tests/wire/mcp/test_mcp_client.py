"""The gateway serves a client that was not written here: that of the MCP SDK."""

import asyncio

import httpx2
import pytest
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.fakes.mcp_server.server import TOOLS, FakeMcpServer
from tests.support.mcp_turns import Run
from xo_cowork_core.sdk.testing import FakeOAuthServer


def test_a_client_opens_a_session_and_calls_tools(
    run: Run, upstream: FakeMcpServer, acme_provider: FakeOAuthServer
) -> None:
    async def use() -> None:
        headers = {"Authorization": run.headers["authorization"]}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as http,
            streamable_http_client(run.url, http_client=http) as (read, write),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            listed = await session.list_tools()
            assert tuple(tool.name for tool in listed.tools) == TOOLS
            assert await _echo(session, "one") == "echo: one"
            acme_provider.expire()
            assert await _echo(session, "two") == "echo: two"
            acme_provider.revoke_all()
            with pytest.raises(MCPError, match="Sign in to Acme"):
                await _echo(session, "three")

    asyncio.run(use())
    assert {call.method for call in upstream.calls} == {"POST", "GET"}


async def _echo(session: ClientSession, text: str) -> str:
    result = await session.call_tool("echo", {"text": text})
    assert isinstance(result, types.CallToolResult)
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text
