"""What the plugin brings: one runtime, its status route, its settings and its secrets."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from xo_cowork_core.sdk import Claims, HostContext, Runtime, SecretField, hookimpl
from xo_runtime_openclaw.options import ENV_FILE, SECRETS, SETTINGS

if TYPE_CHECKING:
    from fastapi import APIRouter

    from xo_runtime_openclaw.runtime import OpenClawRuntime


class OpenClawPlugin:
    """Hooks only. Remembers, weakly, which host's context has which runtime: the lifespan of a
    host is that of its runtime's connection."""

    def __init__(self) -> None:
        self._runtimes: WeakValueDictionary[int, OpenClawRuntime] = WeakValueDictionary()

    @hookimpl
    def xo_claims(self) -> Claims:
        return Claims(prefixes=("/api/channels/openclaw",), env_file=ENV_FILE, settings=SETTINGS)

    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return SECRETS

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        from xo_runtime_openclaw.runtime import OpenClawRuntime  # noqa: PLC0415 - cheap import

        runtime = OpenClawRuntime(context)
        self._runtimes[id(context)] = runtime
        return [runtime]

    @hookimpl
    def xo_routers(self, context: HostContext) -> "Sequence[APIRouter]":
        from xo_runtime_openclaw.routes import make_router  # noqa: PLC0415 - as above

        return [make_router(self._runtimes[id(context)])]

    @hookimpl
    def xo_lifespan(self, context: HostContext) -> AbstractAsyncContextManager[None]:
        return self._runtimes[id(context)].lifespan()


plugin = OpenClawPlugin()
