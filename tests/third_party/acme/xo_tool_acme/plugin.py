"""Imports the SDK and FastAPI, and nothing else of the host."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from fastapi import APIRouter

from xo_cowork_core.sdk import (
    Claims,
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
    """Says back what it heard, and which keys it was given."""

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo(name="acme", title="Acme", aliases=("acme-agent",))

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        yield TextDelta(f"Acme heard: {turn.text}")
        yield TextDelta(f" keys: {','.join(sorted(turn.environment))}")


class AcmePlugin:
    """All hooks that Acme needs."""

    @hookimpl
    def xo_claims(self) -> Claims:
        return Claims(
            prefixes=["/api/acme"],
            settings=[Setting("ACME_GREETING", "What /api/acme/hello says.", "hello")],
        )

    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return [SecretField("ACME_KEY", "Acme key", required=True, pattern="^ak-")]

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        return [AcmeRuntime()]

    @hookimpl
    def xo_routers(self, context: HostContext) -> Sequence[APIRouter]:
        router = APIRouter(prefix="/api/acme")

        @router.get("/hello")
        async def hello() -> dict[str, str]:
            secrets = await asyncio.to_thread(context.secrets.environment)
            return {
                "greeting": context.settings["ACME_GREETING"],
                "keys": ",".join(sorted(secrets)),
            }

        return [router]


plugin = AcmePlugin()
