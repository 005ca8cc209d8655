"""The plugin's own route."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from xo_cowork_core.sdk import HasGateway

PREFIX = "/api/channels/openclaw"


class GatewayBody(BaseModel):
    """Whether OpenClaw is here, and its gateway answers; where it is looked for."""

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
    """Make the routes of one runtime."""
    router = APIRouter()

    @router.get(f"{PREFIX}/status")
    async def openclaw_status() -> GatewayBody:
        """Look for the OpenClaw gateway."""
        found = await runtime.gateway()
        return GatewayBody(
            installed=found.installed,
            running=found.running,
            port=found.port,
            ws_url=found.ws_url,
        )

    return router
