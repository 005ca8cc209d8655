"""The one error body: `{"detail": …}`, whatever went wrong."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xo_cowork_core.sdk import (
    AgentFailure,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unsupported,
    UpstreamFailed,
    XoError,
)

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
log = logging.getLogger("xo_cowork.api")


class ErrorBody(BaseModel):
    """Every answer from 400 up. `detail` is a sentence, or an object with `error` and `message`
    where a program needs more."""

    model_config = ConfigDict(json_schema_extra={"example": {"detail": "Session not found"}})

    detail: str | dict[str, Any]


def error_response(error: XoError) -> JSONResponse:
    """Turn an expected error into its answer."""
    status = next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)
    headers: dict[str, str] = {}
    if isinstance(error, Unavailable) and error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    detail: object = error.message
    if error.details:
        detail = {"error": error.code, "message": error.message, **error.details}
    return JSONResponse({"detail": detail}, status, headers)


def install_errors(app: FastAPI) -> None:
    """Give every error of every route, plugins' too, the one body."""
    app.add_exception_handler(XoError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)


class ErrorMiddleware:
    """Answers 500 for what nobody expected, and logs it under an id that the answer gives.

    SystemExit is caught as well: raised in a request of a plugin it would end the event loop.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except (Exception, SystemExit) as error:
            fault_id = secrets.token_hex(4)
            log.error(
                "%s %s failed as %s", scope["method"], scope["path"], fault_id, exc_info=error
            )
            if started:
                # the head is out: only a broken connection tells the client that this is no end
                raise RuntimeError(f"answer broken off, see {fault_id}") from None
            detail = f"Internal error; the log names it as {fault_id}"
            await JSONResponse({"detail": detail}, 500)(scope, receive, send)


async def _expected(_: Request, error: Exception) -> JSONResponse:
    return error_response(cast("XoError", error))


async def _refused(_: Request, error: Exception) -> JSONResponse:
    refused = cast("HTTPException", error)
    status = 502 if refused.status_code in RESERVED else refused.status_code
    detail: object = refused.detail or HTTPStatus(status).phrase
    return JSONResponse({"detail": detail}, status, dict(refused.headers or {}))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    faults = cast("RequestValidationError", error).errors()
    return JSONResponse({"detail": sentence(faults)}, 400)


def sentence(faults: Sequence[Mapping[str, Any]]) -> str:
    """Say what is wrong with a request; names the field, never repeats a value."""
    fault = faults[0]
    place, *inner = [str(part) for part in fault["loc"]]
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


def _message(fault: Mapping[str, Any]) -> str:
    return str(fault["msg"]).removeprefix("Value error, ").rstrip(".")
