"""Sections of rclone's type `onedrive`: each names the drive that the remote uses."""

from collections.abc import Mapping

from xo_connector_onedrive.graph import read_own_drive
from xo_cowork_core.sdk import HttpClient
from xo_cowork_core.sdk.connector import TokenSet
from xo_lib_rclone.backend import Options, RcloneBackend, StoredRemote

DRIVE_ID, DRIVE_TYPE, REGION = "drive_id", "drive_type", "region"
GLOBAL_REGION = "global"


class OneDriveBackend(RcloneBackend):
    """Uses the account's own drive until a person has chosen another."""

    type = "onedrive"
    title = "OneDrive"
    imported_options = (DRIVE_ID, DRIVE_TYPE, REGION)

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def options(self, remote: StoredRemote, tokens: TokenSet) -> Options:
        if self.is_complete(remote.options):
            return remote.options
        imported = {
            name: tokens.extra[name].get_secret_value()
            for name in self.imported_options
            if name in tokens.extra
        }
        if self.is_complete(imported):
            return {REGION: GLOBAL_REGION, **imported}
        drive = await read_own_drive(self._http, tokens)
        return {DRIVE_ID: drive.id, DRIVE_TYPE: drive.type, REGION: GLOBAL_REGION}

    def refresh_options(self) -> Options:
        # rclone opens no remote without a drive; a refused request refreshes all the same
        return {DRIVE_ID: "me", DRIVE_TYPE: "personal"}

    def is_complete(self, options: Options) -> bool:
        return bool(options.get(DRIVE_ID) and options.get(DRIVE_TYPE))

    def describe(self, options: Options, scopes: tuple[str, ...]) -> Mapping[str, str]:
        known = {name: options[name] for name in self.imported_options if name in options}
        return {REGION: GLOBAL_REGION, **known}
