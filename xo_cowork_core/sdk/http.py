"""The interface of the HTTP client that plugins share."""

import json as json_codec
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from pydantic import SecretStr

from xo_cowork_core.sdk.errors import UpstreamFailed
from xo_cowork_core.sdk.events.base import JsonValue


@dataclass(frozen=True, slots=True)
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
    ) -> HttpResponse:
        """Send one request and return its answer, whatever the status, within `timeout` seconds.

        `params` are the query, and the body is one of `json`, `data` (a form) and `content`. A
        secret belongs into a header or a form, never into a URL. Raises `Unavailable` when the
        service can't be reached or is too slow, and `UpstreamFailed` for an answer that can't be
        read or has more than 16 MiB.
        """
        ...
