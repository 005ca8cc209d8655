"""The composition root: `create_app` builds services, takes plugins in, returns the app.

A request passes the access gate (Host, Origin, token), the error shield, the body gate (413), the
idempotency gate, the ready gate (503 while a plugin isn't up), and then its route: a core router
of `api/`, or one of a plugin.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from xo_cowork_core import __version__
from xo_cowork_core.api.errors import ErrorMiddleware, install_errors
from xo_cowork_core.api.families import FAMILIES, policy_for
from xo_cowork_core.api.idempotency import IdempotencyMiddleware
from xo_cowork_core.api.openapi import DOCUMENT_PATH, install_openapi, operation_id
from xo_cowork_core.api.streaming.response import load_async_backend
from xo_cowork_core.host.middleware.access import AccessMiddleware, AccessRules
from xo_cowork_core.host.middleware.body_limit import BodyLimitMiddleware
from xo_cowork_core.host.middleware.readiness import ReadinessMiddleware
from xo_cowork_core.host.plugins.discovery import Installed, find_plugins
from xo_cowork_core.host.plugins.enabled import enabled_names
from xo_cowork_core.host.plugins.lifespans import START_SECONDS, WAIT_SECONDS, Lifespans
from xo_cowork_core.host.plugins.registrar import LoadedPlugin, PluginRegistrar, StartRefused
from xo_cowork_core.host.plugins.routes import RouteRegistry
from xo_cowork_core.host.services import (
    AppState,
    build_core,
    index_running,
    services_running,
    turns_ended,
)
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.storage.locks import StateLock

DESCRIPTION = "Control plane of an agent workspace, in front of the installed coding agents."
log = logging.getLogger("xo_cowork.host")


def create_app(settings: Settings, core: AppState | None = None) -> FastAPI:
    """Build one app. Imports the enabled plugins; starts nothing."""
    core = core or build_core(settings)
    app = _bare_app(settings, core)
    for family in FAMILIES:
        app.include_router(family.router, tags=[family.name])
    plugins = _take_plugins(app, settings, core)
    for plugin in plugins:
        for router in plugin.routers:
            app.include_router(router, tags=[plugin.record.name])
    _put_gates_in_front(app, settings, core, plugins)
    app.state.services = core.services
    app.state.plugins = plugins
    return app


def _bare_app(settings: Settings, core: AppState) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        plugins: list[LoadedPlugin] = app.state.plugins
        load_async_backend()
        with StateLock(settings.state_dir):
            async with (
                services_running(core),
                _plugins_running(settings, core, plugins),
                index_running(core),
                turns_ended(core),
            ):
                yield

    app = FastAPI(
        title="XO Cowork API",
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=[{"name": each.name, "description": each.description} for each in FAMILIES],
        openapi_url=DOCUMENT_PATH,
        lifespan=lifespan,
        # the usual documentation pages load their scripts from elsewhere
        docs_url=None,
        redoc_url=None,
        # a body without a content type is read as JSON
        strict_content_type=False,
        generate_unique_id_function=operation_id,
    )
    install_errors(app)
    install_openapi(app)
    return app


def _take_plugins(app: FastAPI, settings: Settings, core: AppState) -> list[LoadedPlugin]:
    installed = Installed()
    candidates = find_plugins(
        installed,
        enabled_names(settings, installed.names),
        core_version=__version__,
        strict=settings.plugins_strict,
    )
    book = RouteRegistry(app.routes)
    return PluginRegistrar(settings, core.services.registry, core.processes, book).take_all(
        candidates
    )


@asynccontextmanager
async def _plugins_running(
    settings: Settings, core: AppState, plugins: list[LoadedPlugin]
) -> AsyncIterator[None]:
    async def take_out(name: str) -> None:
        core.services.registry.remove(name)
        await core.processes.stop_plugin(name)

    lifespans = Lifespans(plugins, take_out)
    strict = settings.plugins_strict
    try:
        await lifespans.start(wait=START_SECONDS if strict else WAIT_SECONDS)
        failed = [plugin.record for plugin in plugins if plugin.record.state == "failed"]
        if strict and failed:
            raise StartRefused(f"plugin {failed[0].name} is failed: {failed[0].error}")
        yield
    finally:
        await lifespans.stop()


def _put_gates_in_front(
    app: FastAPI, settings: Settings, core: AppState, plugins: list[LoadedPlugin]
) -> None:
    # the one added last is the outermost
    claimed = {prefix: p.record for p in plugins for prefix in p.claims.prefixes}
    app.add_middleware(ReadinessMiddleware, claimed=claimed)
    app.add_middleware(
        IdempotencyMiddleware, find=lambda _: core.services.idempotency, policy_for=policy_for
    )
    app.add_middleware(BodyLimitMiddleware, claimed=claimed.keys(), policy_for=policy_for)
    app.add_middleware(ErrorMiddleware)
    app.add_middleware(AccessMiddleware, rules=AccessRules.of(settings), policy_for=policy_for)
