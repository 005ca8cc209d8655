"""Reads one request: its parameters, and the client's credentials (RFC 6749 §2.3.1)."""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.oauth_server.exchanges import ClientAuthentication


@dataclass(frozen=True, slots=True)
class Call:
    """One request, parsed: its parameters and the client's credentials."""

    request: Request
    parameters: Mapping[str, str]
    client_id: str
    client_secret: str
    bearer: str
    authentication: ClientAuthentication
    body: bytes


async def parse_request(request: Request) -> Call:
    """Return the parsed request. Raises `ValueError` for one that is malformed."""
    body = await request.body()
    if "json" in request.headers.get("content-type", ""):
        sent = _json_parameters(body)
    else:
        pairs = parse_qsl(body.decode(), keep_blank_values=True)
        sent = dict(request.query_params) | dict(pairs)
    client_id, client_secret = sent.get("client_id", ""), sent.get("client_secret", "")
    authentication: ClientAuthentication = "post" if client_secret else "none"
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    bearer = ""
    if scheme.lower() == "basic":
        authentication = "basic"
        parts = b64decode(credentials).decode().partition(":")
        client_id, client_secret = unquote_plus(parts[0]), unquote_plus(parts[2])
    elif scheme.lower() in {"bearer", "token"}:
        authentication, bearer = "bearer", credentials
    return Call(request, sent, client_id, client_secret, bearer, authentication, body)


def _json_parameters(body: bytes) -> dict[str, str]:
    entries = cast("dict[str, JsonValue]", json.loads(body or b"{}"))
    return {
        key: " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in entries.items()
    }
