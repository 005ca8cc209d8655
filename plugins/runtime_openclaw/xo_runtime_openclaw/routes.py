"""`GET /api/channels/openclaw/status`: whether the gateway is installed and running."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from xo_cowork_core.sdk.runtime.agents import HasGateway

PREFIX = "/api/channels/openclaw"


class GatewayBody(BaseModel):
    """Whether OpenClaw is installed and its gateway answers, and its address."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "installed": True,
                "running": True,
                "port": 18789,
                "ws_url": "ws://127.0.0.1:18789",
            }
        }
    )

    installed: bool
    running: bool
    port: int
    ws_url: str


def make_router(runtime: HasGateway) -> APIRouter:
    """Return the routes of one runtime."""
    router = APIRouter()

    @router.get(f"{PREFIX}/status")
    async def openclaw_status() -> GatewayBody:
        """Return the state of the OpenClaw gateway."""
        status = await runtime.gateway()
        return GatewayBody(
            installed=status.installed,
            running=status.running,
            port=status.port,
            ws_url=status.ws_url,
        )

    return router
