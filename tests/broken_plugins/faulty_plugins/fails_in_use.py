"""Starts well, then fails in requests, a health check, turns, and tasks of its own."""

import asyncio

from fastapi import APIRouter

from xo_cowork_core.sdk import (
    ChecksHealth,
    Contributions,
    Interrupts,
    Runtime,
    RuntimeInfo,
    Setting,
    TextDelta,
    hookimpl,
)


class Sick(Runtime, ChecksHealth):
    def describe(self):
        return RuntimeInfo(name="sick", title="Sick")

    async def run(self, turn):
        return
        yield

    async def health(self):
        raise SystemExit("not today")


class Sloth(Runtime, ChecksHealth):
    def describe(self):
        return RuntimeInfo(name="sloth", title="Sloth")

    async def run(self, turn):
        yield TextDelta("at last")

    async def health(self):
        await asyncio.Event().wait()


class Leaver(Runtime):
    def describe(self):
        return RuntimeInfo(name="leaver", title="Leaver")

    async def run(self, turn):
        raise SystemExit("in the middle of a turn")
        yield


class Bolter(Runtime):
    def describe(self):
        return RuntimeInfo(name="bolter", title="Bolter")

    def run(self, turn):
        raise SystemExit("before a turn")


class Mule(Runtime, Interrupts):
    def describe(self):
        return RuntimeInfo(name="mule", title="Mule")

    async def run(self, turn):
        yield TextDelta("no")
        try:
            await asyncio.Event().wait()
        finally:
            raise SystemExit("while it is stopped")

    async def interrupt(self, turn):
        raise SystemExit("when it is asked to stop")


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(
            prefixes=["/api/sick"], settings=[Setting("FAULTY_COUNT", "A number.", "1", "integer")]
        )

    @hookimpl
    def xo_runtimes(self, context):
        return [Sick(), Sloth(), Leaver(), Bolter(), Mule()]

    @hookimpl
    def xo_routers(self, context):
        router = APIRouter(prefix="/api/sick")

        @router.get("/raise")
        async def fall() -> None:
            raise RuntimeError("planted-secret-text")

        @router.get("/exit")
        async def leave() -> None:
            raise SystemExit(5)

        @router.get("/stray")
        async def stray() -> None:
            async def leave_later() -> None:
                raise SystemExit(6)

            self.stray = asyncio.create_task(leave_later())

        return [router]

    @hookimpl
    def xo_turn_env(self, turn):
        raise SystemExit("no environment")

    @hookimpl
    def xo_turn_finished(self, turn, outcome):
        raise RuntimeError("not listening")


plugin = Plugin()
