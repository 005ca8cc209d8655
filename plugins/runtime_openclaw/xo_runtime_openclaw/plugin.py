"""The plugin's hooks: one runtime, its status route, its settings and secrets."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, cast

from xo_cowork_core.sdk import (
    Contributions,
    HostContext,
    LazyRouter,
    Runtime,
    SecretField,
    hookimpl,
)
from xo_runtime_openclaw.options import ENV_FILE, SECRETS, SETTINGS

if TYPE_CHECKING:
    from fastapi import APIRouter

    from xo_runtime_openclaw.runtime import OpenClawRuntime


class OpenClawPlugin:
    """Hooks only."""

    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(
            prefixes=("/api/channels/openclaw",), env_file=ENV_FILE, settings=SETTINGS
        )

    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return SECRETS

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        from xo_runtime_openclaw.runtime import OpenClawRuntime  # noqa: PLC0415 - cheap import

        return [OpenClawRuntime(context)]

    @hookimpl
    def xo_routers(self, runtimes: Sequence[Runtime]) -> Sequence[LazyRouter]:
        def build() -> "APIRouter":
            from xo_runtime_openclaw.routes import make_router  # noqa: PLC0415 - as above

            return make_router(_own(runtimes))

        return [LazyRouter(build)]

    @hookimpl
    def xo_lifespan(self, runtimes: Sequence[Runtime]) -> AbstractAsyncContextManager[None]:
        return _own(runtimes).lifespan()


def _own(runtimes: Sequence[Runtime]) -> "OpenClawRuntime":
    return cast("OpenClawRuntime", runtimes[0])


plugin = OpenClawPlugin()
