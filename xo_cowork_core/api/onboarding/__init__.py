"""The route family `onboarding`: whether a person has completed the introduction."""

from xo_cowork_core.api.route_family import RouteFamily

ONBOARDING_PATH = "/api/onboarding"
FAMILY = RouteFamily(
    name="onboarding",
    description="Whether a person has completed the introduction.",
    package=__name__,
    prefixes=(ONBOARDING_PATH,),
)
