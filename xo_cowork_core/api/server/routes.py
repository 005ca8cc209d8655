"""The server itself: `/`, `/health`, `/metrics`, `/api/plugins`."""

import asyncio
from datetime import UTC, datetime
from typing import cast

from fastapi.responses import PlainTextResponse

from xo_cowork_core.api.dependencies import Services, ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import response_example
from xo_cowork_core.api.openapi import DOCUMENT_PATH
from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy
from xo_cowork_core.api.server import schemas
from xo_cowork_core.api.server.metrics import prometheus_text
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.secrets.secret_schema import secret_schema

HEALTH_PATH = "/health"
PLUGINS_PATH = "/api/plugins"
router = lazy_router()
FAMILY = RouteFamily(
    name="server",
    description="The server itself: its health, its metrics, its plugins.",
    router=router,
    prefixes=(HEALTH_PATH, "/metrics", DOCUMENT_PATH, PLUGINS_PATH),
    exact_paths=("/",),
    # probes of container platforms and load balancers carry no token
    policies={HEALTH_PATH: RoutePolicy(public=True)},
)


@router.get("/")
async def root(services: ServicesDep) -> schemas.ServerInfo:
    """Return the name and version of the server."""
    return schemas.ServerInfo(
        status="XO Cowork API running",
        name="XO Cowork API",
        version=services.version,
        docs=DOCUMENT_PATH,
    )


@router.get(HEALTH_PATH)
async def health(services: ServicesDep) -> schemas.HealthReport:
    """Return the state of the server, its runtimes and its plugins; 200 whenever the core works."""
    runtimes = services.registry.runtimes()
    healths = await services.readiness.of_all(runtimes)
    problem = await services.eventlog.find_problem()
    report = schemas.HealthReport(
        status="degraded" if problem else "ok",
        reason=problem or None,
        timestamp=datetime.now(UTC).isoformat(),
        version=services.version,
        stage=services.stage,
        chat_api_url=services.identity.base_url,
        ai_provider=services.selector.default_among(healths),
        auth=_identity_summary(services),
        runtimes={
            name: schemas.RuntimeState(
                state=check.state, binary=check.binary, version=check.version, detail=check.detail
            )
            for name, check in healths.items()
        },
        active_sessions=services.active_sessions(),
        plugins=_plugin_states(services),
    )
    added = {
        each.info.health_field: healths[each.info.name].binary
        for each in runtimes
        if each.info.health_field
    }
    return cast("schemas.HealthReport", {**report, **added})


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": "xo_plugins 2.0"}}}},
)
async def metrics(services: ServicesDep) -> PlainTextResponse:
    """Return the server's metrics in the Prometheus text format."""
    samples = [sample for sampler in services.samplers for sample in sampler()]
    text = await asyncio.to_thread(prometheus_text, samples)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get(PLUGINS_PATH)
async def plugins(services: ServicesDep) -> schemas.PluginList:
    """List every plugin that is installed or named in the settings, with its state."""
    records = list(services.registry.plugins.values())
    unset = await asyncio.to_thread(lambda: [each.unset_secrets() for each in records])
    return schemas.PluginList(
        plugins=[
            _plugin_row(record, services.registry, list(keys))
            for record, keys in zip(records, unset, strict=True)
        ]
    )


@router.get(
    PLUGINS_PATH + "/status",
    responses=response_example({"runtime_demo": "ready"}),
)
async def plugin_states(services: ServicesDep) -> dict[str, str]:
    """Map each plugin to its state."""
    return _plugin_states(services)


def _identity_summary(services: Services) -> schemas.IdentitySummary:
    state = services.identity.state()
    return schemas.IdentitySummary(
        authenticated=state.authenticated,
        token_source=state.token_source,
        expires_at=stamp(state.expires_at) if state.expires_at else None,
    )


def _plugin_states(services: Services) -> dict[str, str]:
    return {name: record.state for name, record in services.registry.plugins.items()}


def _plugin_row(
    record: PluginRecord, registry: Registry, needs_configuration: list[str]
) -> schemas.PluginRow:
    return schemas.PluginRow(
        name=record.name,
        kind=record.kind,
        distribution=record.distribution,
        version=record.version,
        state=record.state,
        error=record.error,
        faults=list(record.faults.values()),
        needs_configuration=needs_configuration,
        import_ms=record.import_ms,
        routes=record.routes,
        secrets_schema=secret_schema(record.secrets),
        auth=record.auth,
        runtimes=[
            schemas.RuntimeRow(
                name=found.info.name, title=found.info.title, abilities=found.abilities
            )
            for found in registry.runtimes()
            if found.plugin is record
        ],
        connectors=[
            schemas.ConnectorRow(
                name=connector.info.name,
                title=connector.info.title,
                auth=list(connector.auth),
                abilities=connector.abilities,
            )
            for connector in registry.connectors.values()
            if connector.plugin is record
        ],
    )
