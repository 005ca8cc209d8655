"""The hooks of the plugin."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from xo_connector_onedrive.options import NAME, SECRETS, SETTINGS
from xo_cowork_core.sdk import HostContext, hookimpl
from xo_lib_rclone.plugin import DrivePlugin

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from fastapi import APIRouter

    from xo_connector_onedrive.connector import OneDrive
    from xo_cowork_core.sdk.connector import Connector


class OneDrivePlugin(DrivePlugin):
    """Beside the hooks of any cloud drive: it waits for options that only the service knows."""

    name = NAME
    settings = SETTINGS
    secrets = SECRETS

    def build_connector(self, context: HostContext) -> "OneDrive":
        from xo_connector_onedrive.connector import OneDrive  # noqa: PLC0415 - keep import cheap

        return OneDrive(context)

    def build_router(self, connector: "OneDrive") -> "APIRouter":
        from xo_connector_onedrive.routes import build_drive_router  # noqa: PLC0415 - as above

        return build_drive_router(connector)

    @hookimpl
    def xo_lifespan(self, connectors: "Sequence[Connector]") -> "AbstractAsyncContextManager[None]":
        return cast("OneDrive", connectors[0]).run()


plugin = OneDrivePlugin()
