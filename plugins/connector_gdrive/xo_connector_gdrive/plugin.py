"""The hooks of the plugin."""

from typing import TYPE_CHECKING

from xo_connector_gdrive.options import NAME, SECRETS, SETTINGS
from xo_cowork_core.sdk import HostContext
from xo_lib_rclone.plugin import DrivePlugin

if TYPE_CHECKING:
    from xo_connector_gdrive.connector import GoogleDrive


class GoogleDrivePlugin(DrivePlugin):
    """The hooks are those of any cloud drive."""

    name = NAME
    settings = SETTINGS
    secrets = SECRETS

    def build_connector(self, context: HostContext) -> "GoogleDrive":
        from xo_connector_gdrive.connector import GoogleDrive  # noqa: PLC0415 - keeps import cheap

        return GoogleDrive(context)


plugin = GoogleDrivePlugin()
