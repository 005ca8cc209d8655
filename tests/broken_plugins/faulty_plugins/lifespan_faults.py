"""One plugin whose lifespan fails as FAULTY_FAULT selects; its route /poke lets a child crash."""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter

from xo_cowork_core.sdk import Contributions, Runtime, RuntimeInfo, Setting, hookimpl


class Shaky(Runtime):
    def describe(self):
        return RuntimeInfo(name="shaky", title="Shaky")

    async def run(self, turn):
        return
        yield


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(
            prefixes=["/api/shaky"], settings=[Setting("FAULTY_FAULT", "What fails.")]
        )

    @hookimpl
    def xo_runtimes(self, context):
        return [Shaky()]

    @hookimpl
    def xo_routers(self, context):
        self.poked = asyncio.Event()
        router = APIRouter(prefix="/api/shaky")

        @router.post("/poke")
        async def poke() -> dict[str, bool]:
            self.poked.set()
            return {"ok": True}

        return [router]

    @hookimpl
    @asynccontextmanager
    async def xo_lifespan(self, context):
        fault = context.settings["FAULTY_FAULT"]
        if fault == "hang at start":
            await asyncio.Event().wait()
        if fault == "raise at start":
            raise RuntimeError("no battery")
        if fault == "exit at start":
            raise SystemExit(4)
        async with asyncio.TaskGroup() as group:
            child = group.create_task(self._crash_when_poked(), name="shaky child")
            yield
            child.cancel()
        while fault == "hang at stop":
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    async def _crash_when_poked(self):
        await self.poked.wait()
        raise ValueError("poked once too often")


plugin = Plugin()
