"""Onboarding (contract §6)."""

from typing import Annotated

from fastapi import Body as JsonBody

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import OkResponse
from xo_cowork_core.api.onboarding import ONBOARDING_PATH, schemas
from xo_cowork_core.services.clock import stamp

router = lazy_router()


@router.get(ONBOARDING_PATH)
async def read_onboarding(services: ServicesDep) -> schemas.OnboardingStatus:
    """Return whether a person has completed the onboarding, and when the server first ran."""
    state = await services.onboarding.read()
    return schemas.OnboardingStatus(
        onboarding_completed=state.completed,
        completed=state.completed,
        onboarding_step=state.step,
        first_run_at=stamp(state.first_run_at) if state.first_run_at else None,
        completed_at=stamp(state.completed_at) if state.completed_at else None,
    )


@router.post(ONBOARDING_PATH + "/complete")
async def complete_onboarding(
    services: ServicesDep,
    body: Annotated[
        schemas.CompleteRequest | None, JsonBody(examples=[{"onboarding_step": "first-prompt"}])
    ] = None,
) -> OkResponse:
    """Complete the onboarding."""
    await services.onboarding.complete(body.onboarding_step if body else None)
    return OkResponse(ok=True)
