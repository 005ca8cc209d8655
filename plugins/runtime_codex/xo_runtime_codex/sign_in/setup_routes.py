"""`/codex/setup` and `/connect/codex`: the sign-in with a device code."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from xo_cowork_core.sdk import HostContext
from xo_cowork_core.sdk.kit import sign_in_events
from xo_cowork_core.sdk.sign_in import FlowState, FlowView, SignIns
from xo_runtime_codex.sign_in.methods import DEVICE_CODE, INSTALL

RUNTIME = "codex"
JSON_SECONDS = 10.0
# long enough for a fault at the start, such as a missing program, to become the status
STREAM_SECONDS = 1.0
SetupStatus = Literal["pending", "approved", "denied", "expired", "cancelled", "failed"]
STATUSES: dict[FlowState, SetupStatus] = {
    "completed": "approved",
    "expired": "expired",
    "cancelled": "cancelled",
    "failed": "failed",
}
STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
STREAM_CONTENT: dict[str, Any] = {
    "schema": {"type": "string"},
    "example": 'data: {"type":"session","session_id":"3f0c9f5e8a1b4c7d"}\n\n',
}
STREAM: dict[str, Any] = {
    "description": "The sign-in's events",
    "content": {"text/event-stream": STREAM_CONTENT},
}


class SetupRequest(BaseModel):
    """With `install`, Codex is installed first where there is none. Nothing else downloads it."""

    install: Annotated[bool | None, Field(strict=True, examples=[False])] = None


class CodexSetup(BaseModel):
    """A sign-in. `user_code` is null until it is known, and at the end; times are seconds."""

    session_id: str = Field(examples=["3f0c9f5e8a1b4c7d"])
    status: SetupStatus = Field(examples=["pending"])
    user_code: str | None = Field(examples=["ABCD-12345"])
    verification_uri: str | None = Field(examples=["https://auth.openai.com/codex/device"])
    expires_in: int = Field(examples=[900])
    message: str = Field(examples=["Open the address, enter the code and approve."])
    error: str | None = Field(examples=[None])


def add_setup_routes(routes: APIRouter, context: HostContext) -> None:
    """Add the routes of the sign-in."""
    sign_in = context.sign_in

    @routes.post(
        "/codex/setup",
        response_class=StreamingResponse,
        responses={
            200: STREAM,
            202: {"description": "A code to enter", "model": CodexSetup},
        },
    )
    async def start_codex_setup(
        request: Request, body: Annotated[SetupRequest | None, Body()] = None
    ) -> Response:
        """Start a sign-in, or join the open one; with `Accept: application/json` as JSON."""
        if "application/json" not in request.headers.get("accept", ""):
            return stream(sign_in, await start(sign_in, body, STREAM_SECONDS))
        content = setup_of(await start(sign_in, body)).model_dump_json()
        return Response(content, 202, media_type="application/json")

    @routes.post("/connect/codex", response_class=StreamingResponse, responses={200: STREAM})
    async def connect_codex(
        body: Annotated[SetupRequest | None, Body()] = None,
    ) -> StreamingResponse:
        """Start a sign-in, or join the open one, and stream its events."""
        return stream(sign_in, await start(sign_in, body, STREAM_SECONDS))

    @routes.get("/codex/setup/{session_id}")
    async def read_codex_setup(session_id: str) -> CodexSetup:
        """Return a sign-in. One that has ended can be read for another 10 minutes."""
        return setup_of(await sign_in.read(RUNTIME, session_id))


async def start(
    sign_in: SignIns, body: SetupRequest | None, seconds: float = JSON_SECONDS
) -> FlowView:
    """Start a flow, or return the open one; wait at most `seconds` for its code."""
    method = INSTALL if body and body.install else DEVICE_CODE
    return await sign_in.start(RUNTIME, method=method, seconds=seconds)


def stream(sign_in: SignIns, flow: FlowView) -> StreamingResponse:
    """Return the events of a flow."""
    events = sign_in_events(sign_in.follow(RUNTIME, flow.flow_id), success="Successfully logged in")
    return StreamingResponse(events, media_type="text/event-stream", headers=STREAM_HEADERS)


def setup_of(flow: FlowView) -> CodexSetup:
    """Return the body of a flow."""
    status = STATUSES.get(flow.state, "pending")
    if flow.error and flow.error.code == "access_denied":
        status = "denied"
    left = (flow.expires_at - datetime.now(UTC)).total_seconds() if flow.expires_at else 0
    return CodexSetup(
        session_id=flow.flow_id,
        status=status,
        user_code=flow.user_code,
        verification_uri=flow.authorize_url,
        expires_in=0 if flow.is_over else max(0, round(left)),
        message=flow.message,
        error=flow.error.message if flow.error else None,
    )
