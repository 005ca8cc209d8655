"""One HTTP client for all requests of an app to outside services. Implements `sdk.HttpClient`.

It follows no redirect, keeps no cookie (plugins share it) and logs no URL. It owns no task;
`close` ends its connections.
"""

import asyncio
import logging
from collections.abc import AsyncIterable, Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from xo_cowork_core.sdk import HttpResponse, Unavailable, UpstreamFailed
from xo_cowork_core.sdk.events.base import JsonValue

if TYPE_CHECKING:
    import httpx

MAX_BODY_BYTES = 16 * 1024 * 1024
CONNECT_SECONDS = 10.0
MAX_CONNECTIONS = 64
MAX_IDLE_CONNECTIONS = 16
IDLE_SECONDS = 30.0
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class SharedHttpClient:
    """An HTTP client that is created at its first request: its import would slow the start."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None
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
    ) -> HttpResponse:
        client = await self._open()
        import httpx  # noqa: PLC0415  # loaded by now

        try:
            async with (
                asyncio.timeout(timeout),
                client.stream(
                    method,
                    url,
                    headers=_reveal(headers),
                    params=params,
                    json=json,
                    data=_reveal(data),
                    content=content,
                ) as response,
            ):
                body = await _read_body(response)
        except (httpx.TimeoutException, TimeoutError):
            raise Unavailable("The service did not answer in time.") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise UpstreamFailed("The address of the service is not a valid URL.") from None
        except httpx.TransportError as error:
            # the text may have the host, but no secret: requests carry those in headers and bodies
            raise Unavailable(f"The service can't be reached: {_reason(error)}.") from None
        except httpx.HTTPError:
            raise UpstreamFailed("The service sent an answer that can't be read.") from None
        return HttpResponse(response.status_code, dict(response.headers), body)

    async def close(self) -> None:
        """Close all connections; later requests raise Unavailable."""
        self._is_closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _open(self) -> "httpx.AsyncClient":
        async with self._creation:
            if self._is_closed:
                raise Unavailable("The server is stopping.")
            if self._client is None:
                self._client = await asyncio.to_thread(_create_client)
            return self._client


def _create_client() -> "httpx.AsyncClient":
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
    direct = httpx.AsyncHTTPTransport(limits=limits)
    return httpx.AsyncClient(
        follow_redirects=False,
        limits=limits,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
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
