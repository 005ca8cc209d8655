"""`/api/connectors/github/cli/*`: sign in by a code, whichever of the methods gives one.

The contract's routes for it, over the flows that the host keeps.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from xo_connector_github.options import CLI_PREFIX, CLIENT_ID, NAME
from xo_cowork_core.sdk import Unavailable, UpstreamFailed
from xo_cowork_core.sdk.connector import Connector
from xo_cowork_core.sdk.sign_in import FlowView, SignIns

CODE_KINDS = frozenset({"device_code", "command"})
NO_METHOD = f"Set {CLIENT_ID} to the client id of a GitHub App with the device flow, or install gh."
NO_CODE = "GitHub sent no code in time: try again."
PollStatus: TypeAlias = Literal["pending", "approved", "expired", "denied"]
STATUSES: dict[str, PollStatus] = {
    "completed": "approved",
    "expired": "expired",
    "failed": "denied",
    "cancelled": "denied",
}
SessionId = Annotated[str, Field(min_length=1, max_length=64, examples=["3f0c9f5e8a1b4c7d"])]


class CodeResponse(TypedDict):
    """The code to enter at `verification_uri` within `expires_in` seconds."""

    session_id: SessionId
    user_code: Annotated[str, Field(examples=["WDJB-MJHT"])]
    verification_uri: Annotated[str, Field(examples=["https://github.com/login/device"])]
    expires_in: Annotated[int, Field(examples=[899])]


class SessionRequest(BaseModel):
    """The sign-in that `cli/start` began."""

    session_id: SessionId


class PollResponse(TypedDict):
    """How far a sign-in is. `denied`: the person refused it, or it was cancelled."""

    status: Annotated[PollStatus, Field(examples=["pending"])]
    message: Annotated[str, Field(examples=["Open the page and enter the code."])]


class CancelResponse(TypedDict):
    """Whether the sign-in is over."""

    ok: Annotated[bool, Field(examples=[True])]


def make_router(connector: Connector, sign_in: SignIns) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix=CLI_PREFIX)

    @router.post("/start")
    async def start_cli() -> CodeResponse:
        """Start a sign-in, or return the open one; 503 says what is missing for it."""
        view = await _start(connector, sign_in)
        left = (view.expires_at - datetime.now(UTC)).total_seconds() if view.expires_at else 0
        return CodeResponse(
            session_id=view.flow_id,
            user_code=view.user_code or "",
            verification_uri=view.verification_uri or view.authorize_url or "",
            expires_in=max(0, int(left)),
        )

    @router.post("/poll")
    async def poll_cli(body: SessionRequest) -> PollResponse:
        """Return how far a sign-in is, also for 10 minutes after its end; 502 if it failed."""
        view = await sign_in.read(NAME, body.session_id)
        error = view.error
        if view.state == "failed" and error is not None and error.code != "access_denied":
            raise UpstreamFailed(error.message, details={"code": error.code})
        return PollResponse(status=STATUSES.get(view.state, "pending"), message=view.message)

    @router.post("/cancel")
    async def cancel_cli(body: SessionRequest) -> CancelResponse:
        """End a sign-in; one that has ended stays as it is."""
        return CancelResponse(ok=(await sign_in.cancel(NAME, body.session_id)).is_over)

    return router


async def _start(connector: Connector, sign_in: SignIns) -> FlowView:
    """Return the open sign-in that has a code, else a new one in the place of any other."""
    offered = await asyncio.to_thread(connector.sign_in_methods)
    methods = [each.id for each in offered if each.kind in CODE_KINDS]
    if not methods:
        raise Unavailable(NO_METHOD)
    flow = await sign_in.start(NAME, method=methods[0])
    if not flow.user_code and not flow.is_over:
        # another one is open, such as one that waits for a pasted token
        flow = await sign_in.start(NAME, method=methods[0], force=True)
    if not flow.user_code:
        await sign_in.cancel(NAME, flow.flow_id)
        raise Unavailable(NO_CODE, retry_after=5)
    return flow
