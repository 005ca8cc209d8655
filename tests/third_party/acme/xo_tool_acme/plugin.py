"""Imports the SDK and FastAPI, and nothing else of the host."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

from fastapi import APIRouter

from xo_cowork_core.sdk import (
    Contributions,
    Event,
    HostContext,
    Runtime,
    RuntimeInfo,
    SecretField,
    Setting,
    TextDelta,
    Turn,
    hookimpl,
)


class AcmeRuntime(Runtime):
    """Repeats its prompt and lists the keys that it was given."""

    def __init__(self) -> None:
        self.up = False

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo(name="acme", title="Acme", aliases=("acme-agent",))

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        yield TextDelta(f"Acme heard: {turn.text}")
        yield TextDelta(f" keys: {','.join(sorted(turn.environment))}")

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        self.up = True
        yield
        self.up = False


class AcmePlugin:
    """All hooks that Acme needs."""

    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(
            prefixes=["/api/acme"],
            settings=[Setting("ACME_GREETING", "The greeting of /api/acme/hello.", "hello")],
        )

    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return [
            SecretField("ACME_KEY", "Acme key", required=True, pattern="^ak-"),
            SecretField("ACME_TEAM_KEY", "Acme team key"),
        ]

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        return [AcmeRuntime()]

    @hookimpl
    def xo_routers(self, context: HostContext, runtimes: Sequence[Runtime]) -> Sequence[APIRouter]:
        router = APIRouter(prefix="/api/acme")
        acme = cast("AcmeRuntime", runtimes[0])

        @router.get("/hello")
        async def hello() -> dict[str, str]:
            secrets = await asyncio.to_thread(context.secrets.environment)
            return {
                "greeting": context.settings["ACME_GREETING"],
                "keys": ",".join(sorted(secrets)),
                "state": "up" if acme.up else "down",
            }

        return [router]

    @hookimpl
    def xo_lifespan(self, runtimes: Sequence[Runtime]) -> AbstractAsyncContextManager[None]:
        return cast("AcmeRuntime", runtimes[0]).lifespan()


plugin = AcmePlugin()
