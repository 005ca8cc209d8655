"""The composition root: `create_app` builds the services, registers the plugins, returns the app.

A request passes access (Host, Origin, token), errors (500), the body limit (413), idempotency and
readiness (503 while a plugin isn't ready), then its route: a core router of `api/` or a plugin's,
which is loaded when a request first needs it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from xo_cowork_core import __version__
from xo_cowork_core.api.connectors import CONNECTORS_PATH
from xo_cowork_core.api.errors import install_errors
from xo_cowork_core.api.families import FAMILIES, build_policies
from xo_cowork_core.api.idempotency import IdempotencyMiddleware
from xo_cowork_core.api.openapi import DOCUMENT_PATH, install_openapi, operation_id
from xo_cowork_core.host.lifecycle import (
    index_running,
    services_running,
    sign_ins_running,
    turns_ended,
)
from xo_cowork_core.host.middleware.access import AccessMiddleware, AccessRules
from xo_cowork_core.host.middleware.body_limit import BodyLimitMiddleware
from xo_cowork_core.host.middleware.errors import ErrorMiddleware
from xo_cowork_core.host.middleware.forwarded import ForwardedMiddleware
from xo_cowork_core.host.middleware.health import HealthMiddleware
from xo_cowork_core.host.middleware.readiness import ReadinessMiddleware
from xo_cowork_core.host.middleware.route_loading import RouteLoadingMiddleware
from xo_cowork_core.host.plugins.discovery import discover_plugins, list_installed_plugins
from xo_cowork_core.host.plugins.enabled import select_enabled_plugins
from xo_cowork_core.host.plugins.lifespans import START_SECONDS, WAIT_SECONDS, PluginLifespans
from xo_cowork_core.host.plugins.registrar import LoadedPlugin, PluginRegistrar, StartupError
from xo_cowork_core.host.plugins.routes import RouteRegistry
from xo_cowork_core.host.private_files import remove_unfinished_files
from xo_cowork_core.host.route_loader import RouteLoader
from xo_cowork_core.host.services import AppState, build_services
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.services.runtimes.call_thread import CallThread
from xo_cowork_core.storage.state_folder import StateLock

DESCRIPTION = "Control plane of an agent workspace, in front of the installed coding agents."


def create_app(
    settings: Settings, state: AppState | None = None, *, defers_routes: bool = False
) -> FastAPI:
    """Build one app. Imports the enabled plugins; starts nothing.

    With `defers_routes` requests load the routes. Raises SettingError and StartupError.
    """
    state = state or build_services(settings)
    plugins = load_plugins(settings, state, defers_routes=defers_routes)
    lifespans = _build_lifespans(state, plugins)
    app = FastAPI(
        title="XO Cowork API",
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=[{"name": each.name, "description": each.description} for each in FAMILIES],
        openapi_url=DOCUMENT_PATH,
        lifespan=lambda _: _app_running(settings, state, plugins, lifespans),
        # FastAPI's documentation pages load scripts from other hosts
        docs_url=None,
        redoc_url=None,
        # a body without a content type is read as JSON
        strict_content_type=False,
        generate_unique_id_function=operation_id,
    )
    install_errors(app)
    install_openapi(app, state.services.registry.connectors.keys)
    loader = RouteLoader(app, lifespans.fail)
    for family in FAMILIES:
        loader.include(family.name, family.build_router())
    for plugin in plugins:
        if plugin.router:
            loader.include(plugin.record.name, plugin.router, of_plugin=True)
    if not defers_routes:
        loader.load_all()
    _add_middleware(app, settings, state, plugins, loader)
    app.state.services = state.services
    app.state.route_loader = loader
    return app


def load_plugins(
    settings: Settings, state: AppState, *, defers_routes: bool = False
) -> list[LoadedPlugin]:
    """Import and register the enabled plugins. Raises SettingError and StartupError."""
    installed = list_installed_plugins()
    # for all plugins: those that hang must not cost the others
    thread = CallThread("plugin wiring", max_abandoned=None)
    discovered = discover_plugins(
        installed,
        select_enabled_plugins(settings, [plugin.name for plugin in installed]),
        core_version=__version__,
        thread=thread,
        strict=settings.plugins_strict,
    )
    registrar = PluginRegistrar(
        settings,
        state.services.registry,
        state.processes,
        RouteRegistry(FAMILIES),
        state.services.public_address,
        state.services.connections,
        state.run_servers,
        state.turn_environments,
        state.services.auth_flows,
        state.http,
        thread,
        state.redactor,
        defers_routes=defers_routes,
    )
    try:
        return registrar.register_all(discovered)
    finally:
        thread.close()


@asynccontextmanager
async def _app_running(
    settings: Settings,
    state: AppState,
    plugins: Sequence[LoadedPlugin],
    lifespans: PluginLifespans,
) -> AsyncIterator[None]:
    with StateLock(settings.state_dir), state.watchdog.running():
        remove_unfinished_files(settings.state_dir)
        async with (
            services_running(state),
            _plugins_running(settings, plugins, lifespans),
            sign_ins_running(state),
            index_running(state),
            turns_ended(state),
        ):
            yield


@asynccontextmanager
async def _plugins_running(
    settings: Settings, plugins: Sequence[LoadedPlugin], lifespans: PluginLifespans
) -> AsyncIterator[None]:
    strict = settings.plugins_strict
    try:
        await lifespans.start(wait=START_SECONDS if strict else WAIT_SECONDS)
        failed = [plugin.record for plugin in plugins if plugin.record.state == "failed"]
        if strict and failed:
            raise StartupError(f"plugin {failed[0].name} is failed: {failed[0].error}")
        yield
    finally:
        await lifespans.stop()
        await asyncio.gather(*(plugin.context.tasks.stop() for plugin in plugins))


def _build_lifespans(state: AppState, plugins: Sequence[LoadedPlugin]) -> PluginLifespans:
    tasks = {plugin.record.name: plugin.context.tasks for plugin in plugins}

    async def remove_plugin(name: str) -> None:
        state.services.registry.remove(name)
        await tasks[name].stop()
        await state.processes.stop_plugin(name)

    return PluginLifespans(plugins, remove_plugin)


def _add_middleware(
    app: FastAPI,
    settings: Settings,
    state: AppState,
    plugins: Sequence[LoadedPlugin],
    loader: RouteLoader,
) -> None:
    # the middleware that is added last is the outermost
    claims = {
        prefix: plugin.record
        for plugin in plugins
        for prefix in plugin.record.contributions.prefixes
    }
    # the core serves these, but they call the plugin's connector
    connectors = {
        f"{CONNECTORS_PATH}/{connector.info.name}": plugin.record
        for plugin in plugins
        for connector in plugin.connectors
    }
    policy_for = build_policies(plugin.policies for plugin in plugins).find
    app.add_middleware(RouteLoadingMiddleware, loader=loader)
    app.add_middleware(ReadinessMiddleware, claims={**connectors, **claims})
    app.add_middleware(
        IdempotencyMiddleware, keys=state.services.idempotency, policy_for=policy_for
    )
    app.add_middleware(BodyLimitMiddleware, claimed=claims.keys(), policy_for=policy_for)
    app.add_middleware(HealthMiddleware, services=state.services)
    app.add_middleware(ErrorMiddleware)
    if settings.trust_forwarded:
        app.add_middleware(ForwardedMiddleware, address=state.services.public_address)
    app.add_middleware(
        AccessMiddleware,
        rules=AccessRules.from_settings(settings),
        policy_for=policy_for,
        refusals=state.services.secrets.refusals,
    )
