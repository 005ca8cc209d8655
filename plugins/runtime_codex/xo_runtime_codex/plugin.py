"""The plugin's hooks: one runtime, the routes of its sign-in, its settings and secrets."""

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
from xo_runtime_codex.options import SECRETS, SETTINGS

if TYPE_CHECKING:
    from fastapi import APIRouter


class CodexPlugin:
    """Hooks only."""

    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(prefixes=("/api/codex", "/codex", "/connect/codex"), settings=SETTINGS)

    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return SECRETS

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        from xo_runtime_codex.runtime import CodexRuntime  # noqa: PLC0415 - keeps import cheap

        return [CodexRuntime(context)]

    @hookimpl
    def xo_routers(self, context: HostContext) -> Sequence[LazyRouter]:
        def build() -> "APIRouter":
            from xo_runtime_codex.sign_in.routes import router  # noqa: PLC0415 - as above

            return router(context)

        return [LazyRouter(build)]


plugin = CodexPlugin()
