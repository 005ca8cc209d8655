"""The server itself: `/`, `/health`, `/metrics`, `/api/plugins`."""

import asyncio

from fastapi.responses import PlainTextResponse

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import response_example
from xo_cowork_core.api.openapi import DOCUMENT_PATH
from xo_cowork_core.api.server import HEALTH_PATH, METRICS_PATH, PLUGINS_PATH, schemas
from xo_cowork_core.api.server.health import health
from xo_cowork_core.api.server.metrics import prometheus_text
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.secrets.secret_schema import secret_schema

router = lazy_router()


@router.get("/")
async def root(services: ServicesDep) -> schemas.ServerInfo:
    """Return the name and version of the server."""
    return schemas.ServerInfo(
        status="XO Cowork API running",
        name="XO Cowork API",
        version=services.version,
        docs=DOCUMENT_PATH,
    )


router.get(HEALTH_PATH)(health)


@router.get(
    METRICS_PATH,
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
    return services.registry.plugin_states()


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
