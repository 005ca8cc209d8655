"""The error body `{"detail": …}`. No other module makes error answers."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from xo_cowork_core.sdk import (
    AgentFailure,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    Unauthorized,
    Unavailable,
    Unsupported,
    UpstreamFailed,
    XoError,
)
from xo_cowork_core.sdk.errors import PreconditionFailed, TooLarge

STATUS: Mapping[type[XoError], int] = {
    BadRequest: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    PreconditionFailed: 412,
    TooLarge: 413,
    Unsupported: 501,
    UpstreamFailed: 502,
    AgentFailure: 502,
    Unavailable: 503,
}
# clients open a billing dialog on these two
RESERVED = {402, 429}


class ErrorBody(BaseModel):
    """The body of every answer from 400 up.

    `detail` is a sentence, or an object where a program needs more: `error` and `message` are the
    same sentence, `code` is a stable word.
    """

    model_config = ConfigDict(json_schema_extra={"example": {"detail": "Session not found"}})

    detail: str | dict[str, object]


def error_response(error: XoError) -> JSONResponse:
    """Return the answer to an expected error."""
    status = next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)
    headers: dict[str, str] = {}
    if isinstance(error, Unavailable) and error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    detail: object = error.message
    if error.details:
        # shipped clients show `error`
        sentence = {"error": error.message, "message": error.message}
        detail = {"code": error.code, **error.details, **sentence}
    return JSONResponse({"detail": detail}, status, headers)


def install_errors(app: FastAPI) -> None:
    """Answer every error of a route, of plugins too, with the error body."""
    app.add_exception_handler(XoError, _answer_expected)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http_error)


async def _answer_expected(_: Request, error: Exception) -> JSONResponse:
    return error_response(cast("XoError", error))


async def _answer_http_error(_: Request, error: Exception) -> JSONResponse:
    http_error = cast("HTTPException", error)
    status = 502 if http_error.status_code in RESERVED else http_error.status_code
    detail: object = http_error.detail or HTTPStatus(status).phrase
    return JSONResponse({"detail": detail}, status, dict(http_error.headers or {}))


async def _answer_invalid(_: Request, error: Exception) -> JSONResponse:
    faults = cast("RequestValidationError", error).errors()
    return JSONResponse({"detail": validation_message(faults)}, 400)


def validation_message(faults: Sequence[Mapping[str, object]]) -> str:
    """Describe a validation error by its fields, without any value of the request."""
    fault = faults[0]
    location = cast("tuple[str | int, ...]", fault["loc"])
    place, *inner = [str(part) for part in location]
    if fault["type"] == "json_invalid":
        return "The body is not valid JSON."
    if place == "body" and not inner:
        if fault["type"] == "missing":
            return "A JSON body is required."
        if fault["type"] == "value_error":
            return f"The body: {_message(fault)}."
        return "The body must be a JSON object, sent as application/json."
    name = ".".join(inner) or place
    where = {"body": "Field", "query": "Query parameter", "path": "Path parameter"}.get(
        place, place.capitalize()
    )
    if fault["type"] == "missing":
        return f"{where} {name} is required."
    return f"{where} {name}: {_message(fault)}."


def _message(fault: Mapping[str, object]) -> str:
    return str(fault["msg"]).removeprefix("Value error, ").rstrip(".")
