"""The route family `files`: files and folders below the home folder."""

from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy

UPLOAD_PATH = "/api/files/upload"
FAMILY = RouteFamily(
    name="files",
    description="Files and folders below the home folder.",
    package=__name__,
    prefixes=("/api/files",),
    policies={UPLOAD_PATH: RoutePolicy(streams_upload=True)},
)
