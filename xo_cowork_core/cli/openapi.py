"""`xo-cowork openapi`."""

from xo_cowork_core.cli.output import print_json
from xo_cowork_core.host.plugins.inspection import build_unstarted_app


def openapi_command() -> None:
    """Print the OpenAPI document."""
    print_json(build_unstarted_app().openapi())
