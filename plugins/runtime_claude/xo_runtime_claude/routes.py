"""The older routes of the sign-in: `/claude/setup-token` and `/connect/claude-code`."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from xo_cowork_core.sdk import BadRequest, Conflict, HostContext, NotFound, Unavailable
from xo_cowork_core.sdk.kit import sign_in_events
from xo_cowork_core.sdk.sign_in import FlowView, SignIns
from xo_runtime_claude.request_body import SetupTokenCode, read_body

RUNTIME = "claude_code"
# an older client waits for this line
SUCCESS = "Authentication token created successfully"
OUTCOME_SECONDS = 30.0
STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
STREAM_CONTENT: dict[str, Any] = {
    "schema": {"type": "string"},
    "example": 'data: {"type":"session","session_id":"3f0c9f5e8a1b4c7d"}\n\n',
}
STREAM = {"description": "The sign-in's events", "content": {"text/event-stream": STREAM_CONTENT}}


class SetupToken(BaseModel):
    """A sign-in that waits for a person."""

    session_id: str = Field(examples=["3f0c9f5e8a1b4c7d"])
    authorize_url: str = Field(examples=["https://claude.ai/oauth/authorize?opaque"])


class SetupTokenResult(BaseModel):
    """The token is stored."""

    ok: bool = Field(examples=[True])
    message: str = Field(examples=["Connected."])


CODE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": SetupTokenCode.model_json_schema()}
            for kind in ("application/json", "application/x-www-form-urlencoded")
        },
    }
}


def build_router(context: HostContext) -> APIRouter:
    """Return the plugin's routes."""
    sign_in = context.sign_in
    routes = APIRouter()

    @routes.post(
        "/claude/setup-token",
        response_model=SetupToken,
        responses={200: {"content": {"text/event-stream": STREAM_CONTENT}}},
    )
    async def start_setup_token(request: Request) -> Response | SetupToken:
        """Start a sign-in, or join the open one; with `Accept: text/event-stream` as a stream."""
        flow = await sign_in.start(RUNTIME)
        if "text/event-stream" in request.headers.get("accept", ""):
            return stream(sign_in, flow)
        if not flow.authorize_url:
            raise Unavailable("Claude Code has shown no address yet.", retry_after=2)
        return SetupToken(session_id=flow.flow_id, authorize_url=flow.authorize_url)

    @routes.post("/connect/claude-code", response_class=StreamingResponse, responses={200: STREAM})
    async def connect_claude_code() -> StreamingResponse:
        """Start a sign-in, or join the open one, and stream its events."""
        return stream(sign_in, await sign_in.start(RUNTIME))

    @routes.post("/claude/setup-token/callback", openapi_extra=CODE_BODY)
    @routes.post("/connect/claude-code/callback", openapi_extra=CODE_BODY)
    async def finish_setup_token(request: Request) -> SetupTokenResult:
        """Pass on the code; answered once the token is stored. The same code may be sent again."""
        return await finish(sign_in, await read_body(request))

    return routes


def stream(sign_in: SignIns, flow: FlowView) -> StreamingResponse:
    """Return the events of a flow."""
    events = sign_in_events(sign_in.follow(RUNTIME, flow.flow_id), success=SUCCESS)
    return StreamingResponse(events, media_type="text/event-stream", headers=STREAM_HEADERS)


async def finish(sign_in: SignIns, body: SetupTokenCode) -> SetupTokenResult:
    """Pass on a code and wait for what follows from it."""
    flow = await find_flow(sign_in, body.session_id)
    if flow.state == "starting":
        raise HTTPException(504, error_detail("not_ready", "Claude Code is not ready yet."))
    await sign_in.submit(RUNTIME, flow.flow_id, body.code)
    flow = await sign_in.wait(RUNTIME, flow.flow_id, OUTCOME_SECONDS)
    if flow.state == "completed":
        return SetupTokenResult(ok=True, message=flow.message)
    if not flow.is_over:
        text = "Claude Code has not confirmed the code yet: send it again."
        raise HTTPException(504, error_detail("not_ready", text))
    code = flow.error.code if flow.error else flow.state
    raise BadRequest(flow.message, details={"code": code})


async def find_flow(sign_in: SignIns, session_id: str) -> FlowView:
    """Return a flow that is open or completed. Raises Conflict, and status 410 for others."""
    try:
        flow = await sign_in.read(RUNTIME, session_id)
    except NotFound:
        raise Conflict("This sign-in does not exist: start one.") from None
    if flow.is_over and flow.state != "completed":
        code = flow.error.code if flow.error else flow.state
        raise HTTPException(410, error_detail(code, flow.message))
    return flow


def error_detail(code: str, message: str) -> Any:
    """Return the `detail` of an error that has no class in the SDK."""
    return {"error": message, "message": message, "code": code}
