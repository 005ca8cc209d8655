"""The report of `/health`, which supervisors and clients that wait for a start request often."""

from datetime import UTC, datetime
from typing import cast

import orjson
from starlette.responses import Response

from xo_cowork_core.api.dependencies import Services, ServicesDep
from xo_cowork_core.api.server import schemas
from xo_cowork_core.services.clock import stamp


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
        plugins=services.registry.plugin_states(),
    )
    added = {
        each.info.health_field: healths[each.info.name].binary
        for each in runtimes
        if each.info.health_field
    }
    return cast("schemas.HealthReport", {**report, **added})


async def health_response(services: Services) -> Response:
    """Return the answer of `/health` without FastAPI, which takes twice the time of the report."""
    report = await health(services)
    return Response(orjson.dumps(report), media_type="application/json")


def _identity_summary(services: Services) -> schemas.IdentitySummary:
    state = services.identity.state()
    return schemas.IdentitySummary(
        authenticated=state.authenticated,
        token_source=state.token_source,
        expires_at=stamp(state.expires_at) if state.expires_at else None,
    )
