"""Whether an MCP server takes tokens, for services whose API refuses those of their MCP server."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import SecretStr

from xo_cowork_core.sdk.connector.tokens import TokenSet
from xo_cowork_core.sdk.errors import Unauthorized, Unavailable, UpstreamFailed
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.http import HttpClient

__all__ = ["check_mcp_access"]

# a request that every MCP server answers, and that has no effect
INITIALIZE: Mapping[str, JsonValue] = MappingProxyType(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "xo-cowork", "version": "1"},
        },
    }
)


async def check_mcp_access(http: HttpClient, url: str, tokens: TokenSet) -> None:
    """Ask the MCP server at `url` whether it takes the tokens. Raises as `Connector.identify`."""
    token = tokens.access_token.get_secret_value()
    response = await http.request(
        "POST",
        url,
        headers={
            "Authorization": SecretStr(f"Bearer {token}"),
            "Accept": "application/json, text/event-stream",
        },
        json=dict(INITIALIZE),
    )
    if response.status in {401, 403}:
        raise Unauthorized("The service refuses the sign-in.")
    if response.status >= 500 or response.status == 429:
        raise Unavailable("The service is overloaded.")
    if response.status >= 400:
        raise UpstreamFailed(f"The MCP server answered with status {response.status}.")
