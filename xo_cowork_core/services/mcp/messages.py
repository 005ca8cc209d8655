"""JSON-RPC error messages for requests of agents that can't be answered."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

import orjson

from xo_cowork_core.sdk import Unavailable

RequestId: TypeAlias = str | int
# JSON-RPC leaves the codes from -32000 to -32099 to servers
SERVER_ERROR = -32000
RETRY_SECONDS = 5


class McpFailure(Exception):
    """Why a request can't be answered: a sentence that an agent can pass on, and a stable word."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def error_message(body: bytes, failure: McpFailure) -> bytes:
    """Return the error for every request in a body, as a batch if the body is one.

    Raises Unavailable where nothing in it waits for an answer. Blocks for a large body.
    """
    value = _parse(body)
    errors = [_error(request_id, failure) for request_id in _request_ids(value)]
    if not errors:
        raise Unavailable(failure.message, retry_after=RETRY_SECONDS)
    return orjson.dumps(errors if isinstance(value, list) else errors[0])


def error_events(body: bytes, failure: McpFailure) -> bytes:
    """Return the errors for every request in a body as events. Blocks for a large body.

    Empty lines end what the stream may have left open.
    """
    errors = [_error(request_id, failure) for request_id in _request_ids(_parse(body))]
    frames = [b"event: message\ndata: %b\n\n" % orjson.dumps(error) for error in errors]
    return b"\n\n" + b"".join(frames) if frames else b""


def _error(request_id: RequestId, failure: McpFailure) -> Mapping[str, object]:
    error = {
        "code": SERVER_ERROR,
        "message": failure.message,
        "data": {"code": failure.code},
    }
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def _parse(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _request_ids(value: object) -> Sequence[RequestId]:
    """Return the ids of the requests in a message or batch; notifications and results have none."""
    rows = cast("list[object]", value) if isinstance(value, list) else [value]
    messages = [cast("Mapping[str, object]", row) for row in rows if isinstance(row, dict)]
    ids = [message.get("id") for message in messages if isinstance(message.get("method"), str)]
    return [each for each in ids if isinstance(each, str | int) and not isinstance(each, bool)]
