"""The bodies about the onboarding."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from xo_cowork_core.api.models import RequestModel

MAX_STEP_CHARACTERS = 64
MOMENT = "2026-11-24T08:00:00.000+00:00"


class OnboardingStatus(TypedDict):
    """Whether a person has completed the onboarding, and when."""

    onboarding_completed: Annotated[bool, Field(examples=[True])]
    completed: Annotated[bool, Field(examples=[True])]
    onboarding_step: Annotated[str, Field(examples=["completed"])]
    first_run_at: Annotated[str | None, Field(examples=[MOMENT])]
    completed_at: Annotated[str | None, Field(examples=[MOMENT])]


class CompleteRequest(RequestModel):
    """The last step, in the client's own word."""

    onboarding_step: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.:-]+$",
        max_length=MAX_STEP_CHARACTERS,
        examples=["first-prompt"],
    )
