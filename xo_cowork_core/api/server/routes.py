"""The server itself: `/`, `/health`, `/metrics`, `/api/plugins`."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict

from xo_cowork_core.api.dependencies import Sample, Services, ServicesDep
from xo_cowork_core.api.openapi import DOCUMENT_PATH
from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy
from xo_cowork_core.sdk import Health
from xo_cowork_core.services.runtimes.registry import PluginRecord, RegisteredRuntime, Registry

HEALTH_PATH = "/health"
PLUGINS_PATH = "/api/plugins"
router = APIRouter()
FAMILY = RouteFamily(
    name="server",
    description="The server itself: its health, its metrics, its plugins.",
    router=router,
    prefixes=(HEALTH_PATH, "/metrics", DOCUMENT_PATH, PLUGINS_PATH),
    exact_paths=("/",),
    # probes of container platforms and load balancers carry no token
    policies={HEALTH_PATH: RoutePolicy(public=True)},
)
# a check that hangs must not keep /health waiting: the last known state is told instead
LOOK_SECONDS = 0.25


def _example(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example})


class Root(BaseModel):
    model_config = _example(name="XO Cowork API", version="0.1.0", docs=DOCUMENT_PATH)

    name: str
    version: str
    docs: str


class RuntimeState(BaseModel):
    state: str
    binary: str | None
    version: str | None
    detail: str


class HealthBody(BaseModel):
    model_config = _example(
        status="ok",
        timestamp="2026-01-31T09:30:00+00:00",
        version="0.1.0",
        stage="local",
        runtimes={"demo": {"state": "ready", "binary": None, "version": None, "detail": ""}},
        active_sessions=0,
        plugins={"runtime_demo": "ready"},
    )

    status: str
    timestamp: str
    version: str
    stage: str
    runtimes: dict[str, RuntimeState]
    active_sessions: int
    plugins: dict[str, str]


class RuntimeRow(BaseModel):
    """A runtime and what it can beside running turns; what is absent answers 501."""

    name: str
    title: str
    abilities: list[str]


class PluginRow(BaseModel):
    name: str
    kind: str
    distribution: str
    version: str
    state: str
    error: str
    import_ms: float
    routes: list[str]
    secrets_schema: dict[str, Any]
    auth: list[str]
    runtimes: list[RuntimeRow]


class PluginList(BaseModel):
    model_config = _example(
        plugins=[
            {
                "name": "runtime_demo",
                "kind": "runtime",
                "distribution": "xo-runtime-demo",
                "version": "0.1.0",
                "state": "ready",
                "error": "",
                "import_ms": 4.2,
                "routes": [],
                "secrets_schema": {"type": "object", "properties": {}, "required": []},
                "auth": [],
                "runtimes": [{"name": "demo", "title": "Demo", "abilities": ["answers"]}],
            }
        ]
    )

    plugins: list[PluginRow]


@router.get("/")
async def root(services: ServicesDep) -> Root:
    """Say who answers here."""
    return Root(name="XO Cowork API", version=services.version, docs=DOCUMENT_PATH)


@router.get(HEALTH_PATH)
async def health(services: ServicesDep) -> HealthBody:
    """Say how the server, its plugins and its runtimes are; 200 whenever the core works."""
    found = services.registry.runtimes()
    states = await asyncio.gather(*(_look(services, runtime) for runtime in found))
    return HealthBody(
        status="ok",
        timestamp=datetime.now(UTC).isoformat(),
        version=services.version,
        stage=services.stage,
        runtimes={
            runtime.info.name: RuntimeState(
                state=seen.state, binary=seen.binary, version=seen.version, detail=seen.detail
            )
            for runtime, seen in zip(found, states, strict=True)
        },
        active_sessions=services.active_sessions(),
        plugins=_states(services),
    )


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": "xo_plugins 2.0"}}}},
)
async def metrics(services: ServicesDep) -> PlainTextResponse:
    """Give the server's numbers in the Prometheus text format."""
    samples = [sample for sampler in services.samplers for sample in sampler()]
    text = await asyncio.to_thread(_exposition, samples)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get(PLUGINS_PATH)
async def plugins(services: ServicesDep) -> PluginList:
    """List every plugin that was found or asked for, and what became of it."""
    registry = services.registry
    return PluginList(plugins=[_row(r, registry) for r in registry.plugins.values()])


@router.get(
    PLUGINS_PATH + "/status",
    responses={200: {"content": {"application/json": {"example": {"runtime_demo": "ready"}}}}},
)
async def plugin_states(services: ServicesDep) -> dict[str, str]:
    """Map each plugin to its state."""
    return _states(services)


async def _look(services: Services, runtime: RegisteredRuntime) -> Health:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await services.readiness.of(runtime)
    except TimeoutError:
        known = services.readiness.last(runtime)
        return known or Health(state="starting", detail="Its first health check still runs.")


def _states(services: Services) -> dict[str, str]:
    return {name: record.state for name, record in services.registry.plugins.items()}


def _row(record: PluginRecord, registry: Registry) -> PluginRow:
    return PluginRow(
        name=record.name,
        kind=record.kind,
        distribution=record.distribution,
        version=record.version,
        state=record.state,
        error=record.error,
        import_ms=record.import_ms,
        routes=record.routes,
        secrets_schema=_secrets_schema(record),
        auth=record.auth,
        runtimes=[
            RuntimeRow(name=found.info.name, title=found.info.title, abilities=found.abilities)
            for found in registry.runtimes()
            if found.plugin is record
        ],
    )


def _secrets_schema(record: PluginRecord) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for secret in record.secrets:
        properties[secret.key] = {
            "type": "string",
            "title": secret.title,
            "description": secret.help,
            "format": "password",
            "writeOnly": True,
        } | ({"pattern": secret.pattern} if secret.pattern else {})
    required = [secret.key for secret in record.secrets if secret.required]
    return {"type": "object", "properties": properties, "required": required}


def _exposition(samples: Iterable[Sample]) -> str:
    # imported here: it costs a tenth of a second that no start should pay
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.core import (  # noqa: PLC0415
        CounterMetricFamily,
        GaugeMetricFamily,
        Metric,
    )

    families: dict[str, Metric] = {}
    for sample in samples:
        family = CounterMetricFamily if sample.kind == "counter" else GaugeMetricFamily
        names = [name for name, _ in sample.labels]
        metric = families.setdefault(sample.name, family(sample.name, sample.help, labels=names))
        metric.add_metric([text for _, text in sample.labels], sample.value)  # pyright: ignore[reportAttributeAccessIssue]

    class Collected:
        def collect(self) -> Iterable[Metric]:
            return families.values()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected())
    return generate_latest(registry).decode()
