"""Works: the others are judged by whether this one still does."""

from fastapi import APIRouter

from xo_cowork_core.sdk import Contributions, Runtime, RuntimeInfo, hookimpl


class Echo(Runtime):
    def describe(self):
        return RuntimeInfo(name="neighbour", title="Neighbour")

    async def run(self, turn):
        return
        yield


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(prefixes=["/api/neighbour"])

    @hookimpl
    def xo_runtimes(self, context):
        return [Echo()]

    @hookimpl
    def xo_routers(self, context):
        router = APIRouter(prefix="/api/neighbour")

        @router.get("/ping")
        async def ping() -> dict[str, bool]:
            return {"pong": True}

        return [router]


plugin = Plugin()
