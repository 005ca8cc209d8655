"""What the plugin brings: one runtime, the routes of its sign-in, its settings and its secrets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xo_cowork_core.sdk import (
    Contributions,
    HostContext,
    LazyRouter,
    Runtime,
    SecretField,
    hookimpl,
)
from xo_runtime_claude.options import SECRETS, SETTINGS

if TYPE_CHECKING:
    from fastapi import APIRouter


class ClaudePlugin:
    """Hooks only."""

    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(prefixes=("/claude", "/connect/claude-code"), settings=SETTINGS)

    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return SECRETS

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        from xo_runtime_claude.runtime import ClaudeRuntime  # noqa: PLC0415 - keeps import cheap

        return [ClaudeRuntime(context)]

    @hookimpl
    def xo_routers(self, context: HostContext) -> Sequence[LazyRouter]:
        def build() -> "APIRouter":
            from xo_runtime_claude.routes import build_router  # noqa: PLC0415 - as above

            return build_router(context)

        return [LazyRouter(build)]


plugin = ClaudePlugin()
