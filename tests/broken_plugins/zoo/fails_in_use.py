"""Starts well, then fails in a request and in a health check."""

from fastapi import APIRouter

from xo_cowork_core.sdk import ChecksHealth, Claims, Runtime, RuntimeInfo, Setting, hookimpl


class Sick(Runtime, ChecksHealth):
    def describe(self):
        return RuntimeInfo(name="sick", title="Sick")

    async def run(self, turn):
        return
        yield

    async def health(self):
        raise SystemExit("not today")


class Plugin:
    @hookimpl
    def xo_claims(self):
        return Claims(
            prefixes=["/api/sick"], settings=[Setting("ZOO_COUNT", "A number.", "1", "integer")]
        )

    @hookimpl
    def xo_runtimes(self, context):
        return [Sick()]

    @hookimpl
    def xo_routers(self, context):
        router = APIRouter(prefix="/api/sick")

        @router.get("/raise")
        async def fall() -> None:
            raise RuntimeError("planted-secret-text")

        @router.get("/exit")
        async def leave() -> None:
            raise SystemExit(5)

        return [router]


plugin = Plugin()
