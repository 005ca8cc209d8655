"""One HTTP client for all requests of an app to outside services. Implements `sdk.HttpClient`.

It follows no redirect, keeps no cookie (plugins share it) and logs no URL. It owns no task;
`close` ends its connections.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import HttpResponse, Unavailable, UpstreamFailed
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.http import HttpStream

if TYPE_CHECKING:
    import httpx

MAX_BODY_BYTES = 16 * 1024 * 1024
CONNECT_SECONDS = 10.0
# each open stream has one
MAX_CONNECTIONS = 256
MAX_IDLE_CONNECTIONS = 16
IDLE_SECONDS = 30.0
MAX_SOCKETS = 16
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
# of the transfer and the compression, which end here
TRANSFER_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding"})
COMPRESSION_HEADERS = frozenset({"content-encoding", "content-length"})


class SharedHttpClient:
    """An HTTP client that is created at its first request: its import would slow the start."""

    def __init__(self) -> None:
        self._clients: dict[Path | None, httpx.AsyncClient] = {}
        self._creation = asyncio.Lock()
        self._is_closed = False

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | SecretStr] | None = None,
        params: Mapping[str, str] | None = None,
        json: JsonValue = None,
        data: Mapping[str, str | SecretStr] | None = None,
        content: bytes | AsyncIterable[bytes] | None = None,
        timeout: float = 30.0,
        socket: Path | None = None,
    ) -> HttpResponse:
        client = await self._open(socket)
        body = _RequestBody(json, _reveal(data), content)
        with _translated_errors():
            async with (
                asyncio.timeout(timeout),
                client.stream(
                    method, url, headers=_reveal(headers), params=params, **body._asdict()
                ) as response,
            ):
                answer = await _read_body(response)
        return HttpResponse(response.status_code, dict(response.headers), answer)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | SecretStr] | None = None,
        params: Mapping[str, str] | None = None,
        json: JsonValue = None,
        data: Mapping[str, str | SecretStr] | None = None,
        content: bytes | AsyncIterable[bytes] | None = None,
        timeout: float = 30.0,
        idle_timeout: float = 300.0,
        socket: Path | None = None,
    ) -> AsyncGenerator[HttpStream]:
        client = await self._open(socket)
        with _translated_errors():
            async with asyncio.timeout(timeout) as limit:
                if content is not None and not isinstance(content, bytes):
                    content = _within_limits(content, limit, timeout, idle_timeout)
                body = _RequestBody(json, _reveal(data), content)
                request = client.build_request(
                    method, url, headers=_reveal(headers), params=params, **body._asdict()
                )
                response = await client.send(request, stream=True)
        try:
            yield _ResponseStream(response, idle_timeout)
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close all connections; later requests raise Unavailable."""
        self._is_closed = True
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def _open(self, socket: Path | None) -> "httpx.AsyncClient":
        async with self._creation:
            if self._is_closed:
                raise Unavailable("The server is stopping.")
            client = self._clients.get(socket)
            if client is None:
                client = await asyncio.to_thread(_create_client, socket)
                await self._make_room()
                self._clients[socket] = client
            return client

    async def _make_room(self) -> None:
        """Close the oldest client of a socket when there are too many."""
        sockets = [socket for socket in self._clients if socket is not None]
        if len(sockets) >= MAX_SOCKETS:
            await self._clients.pop(sockets[0]).aclose()


class _RequestBody(NamedTuple):
    """At most one of them is given."""

    json: JsonValue
    data: dict[str, str] | None
    content: bytes | AsyncIterable[bytes] | None


class _ResponseStream:
    """Implements `sdk.HttpStream`."""

    def __init__(self, response: "httpx.Response", idle_timeout: float) -> None:
        self._response = response
        self._idle_timeout = idle_timeout
        left_out = TRANSFER_HEADERS
        if "content-encoding" in response.headers:
            left_out |= COMPRESSION_HEADERS
        self.status = response.status_code
        self.headers: Mapping[str, str] = {
            name: value for name, value in response.headers.items() if name not in left_out
        }

    async def chunks(self) -> AsyncIterator[bytes]:
        parts = aiter(self._response.aiter_bytes())
        while True:
            with _translated_errors():
                async with asyncio.timeout(self._idle_timeout):
                    chunk = await anext(parts, None)
            if chunk is None:
                return
            yield chunk


async def _within_limits(
    content: AsyncIterable[bytes], limit: asyncio.Timeout, timeout: float, idle_timeout: float
) -> AsyncIterator[bytes]:
    """Yield the parts of a request's body; move the time limit with each of them."""
    loop = asyncio.get_running_loop()
    parts = aiter(content)
    while True:
        limit.reschedule(loop.time() + idle_timeout)
        part = await anext(parts, None)
        limit.reschedule(loop.time() + timeout)
        if part is None:
            return
        yield part


@contextmanager
def _translated_errors() -> Generator[None]:
    """Raise the client's errors as those of the SDK."""
    import httpx  # noqa: PLC0415  # loaded by now

    try:
        yield
    except (httpx.TimeoutException, TimeoutError):
        raise Unavailable("The service did not answer in time.") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise UpstreamFailed("The address of the service is not a valid URL.") from None
    except httpx.TransportError as error:
        # the text may have the host, but no secret: requests carry those in headers and bodies
        raise Unavailable(f"The service can't be reached: {_reason(error)}.") from None
    except httpx.HTTPError:
        raise UpstreamFailed("The service sent an answer that can't be read.") from None


def _create_client(socket: Path | None) -> "httpx.AsyncClient":
    """Import httpx and load the certificates; takes a tenth of a second."""
    from http.cookiejar import CookieJar, DefaultCookiePolicy  # noqa: PLC0415

    import httpx  # noqa: PLC0415

    for name in ("httpx", "httpcore"):
        # at lower levels they log whole URLs
        logging.getLogger(name).setLevel(logging.WARNING)
    limits = httpx.Limits(
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=MAX_IDLE_CONNECTIONS,
        keepalive_expiry=IDLE_SECONDS,
    )
    timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    if socket is not None:
        # a program on this machine: neither certificates nor proxies matter
        local = httpx.AsyncHTTPTransport(uds=str(socket), limits=limits, verify=False)
        return httpx.AsyncClient(transport=local, timeout=timeout, cookies=cookies, trust_env=False)
    direct = httpx.AsyncHTTPTransport(limits=limits)
    return httpx.AsyncClient(
        follow_redirects=False,
        limits=limits,
        timeout=timeout,
        cookies=cookies,
        # a proxy of the environment can't reach this machine's own loopback
        mounts={f"all://{host}": direct for host in LOOPBACK_HOSTS},
    )


async def _read_body(response: "httpx.Response") -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise UpstreamFailed("The service sent an answer that is too large.")
        chunks.append(chunk)
    return b"".join(chunks)


def _reveal(values: Mapping[str, str | SecretStr] | None) -> dict[str, str] | None:
    if values is None:
        return None
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in values.items()
    }


def _reason(error: Exception) -> str:
    return type(error).__name__.removesuffix("Error").lower() + " error"
