"""Frames of the gateway's control protocol, version 4. Pure: bytes in, typed frames out.

Shapes: `{type: "req", id, method, params}`, `{type: "res", id, ok, payload | error}` and
`{type: "event", event, payload, seq}`; OpenClaw's documentation, gateway/protocol.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from xo_cowork_core.sdk import AgentFailure

PROTOCOL = 4
SCOPES = ("operator.read", "operator.write", "operator.admin", "operator.approvals")
CAPABILITIES = ("tool-events", "exec-approvals")
# heavy rows that nobody here reads; the gateway writes the keys in this order
IGNORED = (b'{"type":"event","event":"sessions.changed"', b'{"type":"event","event":"presence"')
Row: TypeAlias = Mapping[str, Any]
EMPTY: Row = {}


@dataclass(frozen=True, slots=True)
class Answer:
    """A `res` frame. `error` is empty when it went well."""

    id: str
    payload: Any = None
    error: Row = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Notice:
    """An `event` frame."""

    event: str
    payload: Row


class Refused(Exception):
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
    def passes(self) -> bool:
        """Say whether it is the gateway that is not there for anybody: it starts, is about to
        restart, or is suspended. Other errors of this code name no reason."""
        return self.code == "UNAVAILABLE" and bool(self.details.get("reason"))

    def as_failure(self) -> AgentFailure:
        """Say it as the end of a turn."""
        code = "bad_request" if self.code == "INVALID_REQUEST" else "upstream"
        return AgentFailure(f"OpenClaw refused the request: {self.text}", code=code)


def row(value: object) -> Row:
    """Return a mapping as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else EMPTY


def rows(value: object) -> list[Row]:
    """Return the mappings in a list, anything else left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """Return a string as it is, anything else as an empty one."""
    return value if isinstance(value, str) else ""


def read_json(text: object) -> object:
    """Return what a text says, None for one that is no JSON, or no text."""
    try:
        return orjson.loads(text) if isinstance(text, str | bytes) else None
    except ValueError:
        return None


def request(number: str, method: str, params: Row) -> bytes:
    """Write a request."""
    return orjson.dumps({"type": "req", "id": number, "method": method, "params": params})


def parse(frame: bytes | str) -> Answer | Notice | None:
    """Read a frame; None for one that is of no use: unknown, broken, or not wanted."""
    if isinstance(frame, bytes) and frame.startswith(IGNORED):
        return None
    try:
        body = orjson.loads(frame)
    except ValueError:
        return None
    match body:
        case {"type": "event", "event": str(event), **rest}:
            return Notice(event, row(rest.get("payload")))
        case {"type": "res", "id": str(number), "ok": True, **rest}:
            return Answer(number, rest.get("payload"))
        case {"type": "res", "id": str(number), **rest}:
            error = row(rest.get("error"))
            return Answer(number, None, error or {"code": "UNKNOWN", "message": "no reason given"})
        case _:
            return None


def connect_params(token: str, version: str) -> dict[str, Any]:
    """Introduce this host. `client.id` is a closed list of OpenClaw's: not ours to choose."""
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
