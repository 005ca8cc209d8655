"""Passes requests of agents on to the MCP servers of connectors, with the connection's token.

It owns no task. A request ends with its caller, and a stream with the turn whose token opened it.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import (
    Forbidden,
    HttpClient,
    NotFound,
    Unauthorized,
    XoError,
)
from xo_cowork_core.sdk.connector import McpEndpoint, TokenSet
from xo_cowork_core.sdk.http import HttpStream
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.mcp.endpoints import find_endpoint
from xo_cowork_core.services.mcp.messages import McpFailure, error_events, error_message
from xo_cowork_core.services.mcp.run_servers import SCOPE
from xo_cowork_core.services.run_tokens import RunTokens
from xo_cowork_core.services.runtimes.registry import RegisteredConnector, Registry

ANSWER_SECONDS = 600.0
IDLE_SECONDS = 300.0
# a client listens on a GET for what the server sends by itself
LISTEN_SECONDS = 3600.0
FORWARDED_HEADERS = frozenset({"accept", "content-type", "last-event-id", "user-agent"})
RETURNED_HEADERS = frozenset({"content-type", "retry-after", "allow"})
PROTOCOL_HEADERS = "mcp-"
EVENT_STREAM = "text/event-stream"
# what MCP itself uses these for: a malformed request, an ended session, no stream
PROTOCOL_STATUSES = frozenset({400, 404, 405, 406, 415})
log = logging.getLogger("xo_cowork.mcp")


class McpRequest(NamedTuple):
    """A request of an agent, with the token of its run. Names in `headers` are in lower case."""

    method: str
    connector: str
    token: str
    headers: Mapping[str, str]
    body: bytes = b""


class McpReply(NamedTuple):
    """The answer as it comes."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class McpGateway:
    """The way of all agents to the MCP servers of connectors."""

    def __init__(
        self, registry: Registry, connections: Connections, tokens: RunTokens, http: HttpClient
    ) -> None:
        self._registry = registry
        self._connections = connections
        self._tokens = tokens
        self._http = http

    def check(self, token: str, connector: str) -> None:
        """Raise Unauthorized, Forbidden or NotFound unless a running turn may call a connector."""
        grant = self._tokens.check(token)
        if grant is None:
            if self._tokens.is_issued(token):
                raise Forbidden("No turn with this token is running.")
            raise Unauthorized("The token of a running turn is required.")
        if SCOPE + connector not in grant.scopes:
            if connector not in self._registry.connectors:
                raise NotFound("There is no such connector.")
            raise Forbidden("This turn may not use this connector.")

    async def wait_for_end(self, token: str) -> None:
        """Return when no turn with a token runs any more."""
        await self._tokens.wait_for_end(token)

    @asynccontextmanager
    async def open(self, request: McpRequest) -> AsyncGenerator[McpReply]:
        """Send a request that was checked, and give the answer.

        What goes wrong is an error message of JSON-RPC where the request waits for an answer; else
        it raises Unavailable.
        """
        async with AsyncExitStack() as stack:
            yield await self._answer(stack, request)

    async def _answer(self, stack: AsyncExitStack, request: McpRequest) -> McpReply:
        try:
            return self._pass_on(request, await self._send(stack, request))
        except McpFailure as failure:
            log.warning("connector %s: %s", request.connector, failure.message)
            return _own_reply(await asyncio.to_thread(error_message, request.body, failure))

    async def _send(self, stack: AsyncExitStack, request: McpRequest) -> HttpStream:
        """Send a request, once more with new tokens where the first were refused."""
        registered, endpoint = self._find(request.connector)
        tokens = await self._tokens_of(registered, lambda: self._connections.get(request.connector))
        attempt = await stack.enter_async_context(AsyncExitStack())
        upstream = await self._request(attempt, registered, endpoint, tokens, request)
        if upstream.status == 401:
            await attempt.aclose()
            stale = tokens
            tokens = await self._tokens_of(
                registered, lambda: self._connections.retry_refused(request.connector, stale)
            )
            upstream = await self._request(stack, registered, endpoint, tokens, request)
        self._require_answer(registered, upstream)
        return upstream

    def _find(self, connector: str) -> tuple[RegisteredConnector, McpEndpoint]:
        registered = self._registry.connectors.get(connector)
        if registered is None:
            raise McpFailure("The connector was removed.", "unavailable")
        endpoint = find_endpoint(registered) if registered.plugin.serves else None
        if endpoint is None:
            raise McpFailure(
                f"{registered.info.title} has no MCP server at the moment.", "unavailable"
            )
        return registered, endpoint

    async def _tokens_of(
        self, registered: RegisteredConnector, call: Callable[[], Awaitable[TokenSet]]
    ) -> TokenSet:
        title = registered.info.title
        try:
            return await call()
        except Unauthorized as error:
            text = f"Sign in to {title} in the workspace's settings: {error.message}"
            raise McpFailure(text, "needs_auth") from None
        except XoError as error:
            text = f"{title} can't be reached at the moment: {error.message}"
            raise McpFailure(text, "unavailable") from None

    async def _request(
        self,
        stack: AsyncExitStack,
        registered: RegisteredConnector,
        endpoint: McpEndpoint,
        tokens: TokenSet,
        request: McpRequest,
    ) -> HttpStream:
        listens = request.method == "GET"
        stream = self._http.stream(
            request.method,
            endpoint.url,
            headers=_upstream_headers(request, endpoint, tokens),
            content=request.body or None,
            timeout=ANSWER_SECONDS,
            idle_timeout=LISTEN_SECONDS if listens else IDLE_SECONDS,
        )
        try:
            return await stack.enter_async_context(stream)
        except XoError as error:
            text = f"{registered.info.title} can't be reached at the moment: {error.message}"
            raise McpFailure(text, "unavailable") from None

    def _require_answer(self, registered: RegisteredConnector, upstream: HttpStream) -> None:
        title, status = registered.info.title, upstream.status
        if status == 401:
            text = f"{title} refuses the sign-in: reconnect it in the workspace's settings."
            raise McpFailure(text, "needs_auth")
        if status == 403:
            text = f"{title} does not allow this; the connection may lack a scope."
            raise McpFailure(text, "forbidden")
        if 200 <= status < 300 or status in PROTOCOL_STATUSES:
            return
        text = f"{title} can't answer at the moment: it sent status {status}."
        raise McpFailure(text, "unavailable")

    def _pass_on(self, request: McpRequest, upstream: HttpStream) -> McpReply:
        headers = {
            name: value
            for name, value in upstream.headers.items()
            if name in RETURNED_HEADERS or name.startswith(PROTOCOL_HEADERS)
        }
        is_stream = headers.get("content-type", "").startswith(EVENT_STREAM)
        chunks = _events(request, upstream) if is_stream else upstream.chunks()
        return McpReply(upstream.status, headers, chunks)


async def _events(request: McpRequest, upstream: HttpStream) -> AsyncIterator[bytes]:
    """Yield an event stream; one that breaks off ends with errors for what waits for an answer."""
    try:
        async for chunk in upstream.chunks():
            yield chunk
    except XoError as error:
        log.warning("connector %s: the MCP stream broke off: %s", request.connector, error.message)
        failure = McpFailure(f"The answer broke off: {error.message}", "unavailable")
        if events := await asyncio.to_thread(error_events, request.body, failure):
            yield events


def _upstream_headers(
    request: McpRequest, endpoint: McpEndpoint, tokens: TokenSet
) -> Mapping[str, str | SecretStr]:
    token = tokens.access_token.get_secret_value()
    name = endpoint.token_header or "Authorization"
    value = token if endpoint.token_header else f"Bearer {token}"
    own = {
        header: text
        for header, text in request.headers.items()
        if header in FORWARDED_HEADERS or header.startswith(PROTOCOL_HEADERS)
    }
    return {**own, "accept-encoding": "identity", name: SecretStr(value)}


def _own_reply(body: bytes) -> McpReply:
    async def chunks() -> AsyncIterator[bytes]:
        yield body

    return McpReply(200, {"content-type": "application/json"}, chunks())
