"""Frames of the gateway's control protocol, version 4: encoding and parsing. Pure.

Shapes: `{type: "req", id, method, params}`, `{type: "res", id, ok, payload | error}` and
`{type: "event", event, payload, seq}`; see OpenClaw's documentation, gateway/protocol.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, NamedTuple, TypeAlias

import orjson

from xo_cowork_core.sdk import AgentFailure
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

PROTOCOL = 4
CALL_SECONDS = 20.0
SCOPES = ("operator.read", "operator.write", "operator.admin", "operator.approvals")
CAPABILITIES = ("tool-events", "exec-approvals")
# large events that are not used; the gateway writes the keys in this order
IGNORED = (b'{"type":"event","event":"sessions.changed"', b'{"type":"event","event":"presence"')
Row: TypeAlias = Mapping[str, Any]
EMPTY: Row = {}


@frozen_dataclass
class Response:
    """A `res` frame. `error` is empty after success."""

    id: str
    payload: Any = None
    error: Row = field(default_factory=dict[str, Any])


class GatewayEvent(NamedTuple):
    """An `event` frame."""

    event: str
    payload: Row


class ConnectionLost(Exception):
    """The connection is closed; a pending request may have been carried out or not."""


class GatewayError(Exception):
    """The gateway answered a request with an error."""

    def __init__(self, method: str, error: Row) -> None:
        self.method = method
        self.code = str(error.get("code") or "UNKNOWN")
        self.text = str(error.get("message") or self.code)
        self.details = row(error.get("details"))
        after = error.get("retryAfterMs") or self.details.get("retryAfterMs")
        self.retry_after = after / 1000 if isinstance(after, int | float) else None
        super().__init__(f"{method}: {self.code} {self.text}")

    @property
    def is_temporary(self) -> bool:
        """True when the gateway starts, is about to restart, or is suspended.

        Other errors with this code give no reason.
        """
        return self.code == "UNAVAILABLE" and bool(self.details.get("reason"))

    def as_failure(self) -> AgentFailure:
        """Return it as a turn's failure."""
        code = "bad_request" if self.code == "INVALID_REQUEST" else "upstream"
        return AgentFailure(f"OpenClaw refused the request: {self.text}", code=code)


def row(value: object) -> Row:
    """Return a dict as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else EMPTY


def rows(value: object) -> list[Row]:
    """Return the dicts of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """Return a string as it is, anything else as an empty one."""
    return value if isinstance(value, str) else ""


def read_json(text: object) -> object:
    """Return the JSON value of a text; None when it is not JSON."""
    try:
        return orjson.loads(text) if isinstance(text, str | bytes) else None
    except ValueError:
        return None


def request(request_id: str, method: str, params: Row) -> bytes:
    """Encode a request."""
    return orjson.dumps({"type": "req", "id": request_id, "method": method, "params": params})


def parse(frame: bytes | str) -> Response | GatewayEvent | None:
    """Return the frame of a message; None when it is unknown, malformed or not used here."""
    if isinstance(frame, bytes) and frame.startswith(IGNORED):
        return None
    try:
        body = orjson.loads(frame)
    except ValueError:
        return None
    match body:
        case {"type": "event", "event": str(event), **rest}:
            return GatewayEvent(event, row(rest.get("payload")))
        case {"type": "res", "id": str(request_id), "ok": True, **rest}:
            return Response(request_id, rest.get("payload"))
        case {"type": "res", "id": str(request_id), **rest}:
            error = row(rest.get("error"))
            return Response(
                request_id, None, error or {"code": "UNKNOWN", "message": "no reason given"}
            )
        case _:
            return None


def connect_params(token: str, version: str) -> dict[str, Any]:
    """Return the parameters of `connect`. OpenClaw fixes the values of `client.id`."""
    return {
        "minProtocol": PROTOCOL,
        "maxProtocol": PROTOCOL,
        "client": {
            "id": "gateway-client",
            "version": version,
            "platform": "linux",
            "mode": "backend",
        },
        "role": "operator",
        "scopes": list(SCOPES),
        "caps": list(CAPABILITIES),
        "auth": {"token": token} if token else {},
    }
