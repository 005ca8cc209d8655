"""The interface of the HTTP client that plugins share."""

import json as json_codec
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import field
from pathlib import Path
from typing import Protocol, cast

from pydantic import SecretStr

from xo_cowork_core.sdk.errors import UpstreamFailed
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass


@frozen_dataclass
class HttpResponse:
    """An answer of any status. Names in `headers` are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as UTF-8; invalid bytes are replaced."""
        return self.body.decode(errors="replace")

    def json(self) -> JsonValue:
        """Return the body's JSON value. Raises `UpstreamFailed` when it is not JSON."""
        try:
            return cast("JsonValue", json_codec.loads(self.body))
        except (ValueError, RecursionError):
            raise UpstreamFailed("The service sent an answer that is not JSON.") from None


class HttpStream(Protocol):
    """An answer of any status whose body is read piece by piece."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, with names in lower case, without those of the transfer."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, decompressed. Can be iterated once.

        Raises `Unavailable` when the connection breaks or is silent for too long, and
        `UpstreamFailed` for a body that can't be decoded.
        """
        ...


class HttpClient(Protocol):
    """Sends requests. It follows no redirect, keeps no cookie and logs no URL."""

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
        """Send one request and return its answer, whatever the status, within `timeout` seconds.

        `params` are the query, and the body is one of `json`, `data` (a form) and `content`. A
        secret belongs into a header or a form, never into a URL. With `socket` the request goes
        through that Unix socket, to a program on this machine, whatever the URL's host. Raises
        `Unavailable` when the service can't be reached or is too slow, and `UpstreamFailed` for an
        answer that can't be read or has more than 16 MiB.
        """
        ...

    def stream(
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
    ) -> AbstractAsyncContextManager[HttpStream]:
        """Send one request and give its answer before its body, of any size; for `async with`.

        The headers come within `timeout` seconds after the last part of the request was sent, and
        `idle_timeout` limits the wait for each part of either body. Arguments and errors are those
        of `request`; leaving the block early closes the connection.
        """
        ...
