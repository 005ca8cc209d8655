"""OneDrive: its ways to sign in, whose account it is, and the drives of that account."""

import re
from collections.abc import Sequence

from xo_connector_onedrive.backend import DRIVE_ID, DRIVE_TYPE, OneDriveBackend
from xo_connector_onedrive.graph import GraphDrive, list_drives, read_account
from xo_connector_onedrive.options import CLIENT_ID, CLIENT_SECRET, NAME, TENANT, TITLE
from xo_cowork_core.sdk import HostContext, NotFound, Unauthorized
from xo_cowork_core.sdk.connector import (
    Account,
    AuthorizationCode,
    ConnectorInfo,
    DeviceCode,
    LoopbackRedirect,
    OAuthClient,
    OAuthServer,
    SignInMethod,
    TokenSet,
)
from xo_lib_rclone.authorize import authorize_method
from xo_lib_rclone.connector import DriveConnector
from xo_lib_rclone.errors import TokenRefused

LOGIN_URL = "https://login.microsoftonline.com"
SCOPES = ("Files.ReadWrite.All", "User.Read", "offline_access")
SHARED_CLIENT = f"Sign in with rclone's shared client id (better set {CLIENT_ID})"


class OneDrive(DriveConnector):
    """The connector `onedrive`. Its best sign-in is the one with the workspace's own client."""

    def __init__(self, context: HostContext) -> None:
        tenant = context.settings[TENANT]
        if not re.fullmatch(r"[A-Za-z0-9.-]+", tenant):
            raise ValueError(f"{TENANT} is {tenant!r}: it is the name or the id of a directory")
        super().__init__(context, ConnectorInfo(NAME, TITLE), OneDriveBackend(context.http))
        url = f"{LOGIN_URL}/{tenant}/oauth2/v2.0"
        self._server = OAuthServer(
            authorization_endpoint=f"{url}/authorize",
            token_endpoint=f"{url}/token",
            device_authorization_endpoint=f"{url}/devicecode",
        )

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        client = OAuthClient(
            client_id_key=CLIENT_ID, client_secret_key=CLIENT_SECRET, authentication="post"
        )
        browser = AuthorizationCode(
            server=self._server,
            client=client,
            scopes=SCOPES,
            title="Sign in with Microsoft",
            # Microsoft ignores the port of a registered localhost address, but not its path
            loopback=LoopbackRedirect(host="localhost", path="/"),
            parameters={"prompt": "select_account"},
        )
        code = DeviceCode(server=self._server, client=client, scopes=SCOPES)
        shared_client = authorize_method(
            self.drive.program,
            OneDriveBackend.type,
            title=SHARED_CLIENT,
            options=["--onedrive-access-scopes", " ".join(SCOPES)],
            host="localhost",
        )
        if CLIENT_ID in self.context.secrets.environment():
            return [browser, code, shared_client]
        return [shared_client, browser, code]

    async def identify(self, tokens: TokenSet) -> Account:
        return await read_account(self.context.http, tokens)

    async def revoke_tokens(self, tokens: TokenSet) -> None:
        """Do nothing: Microsoft revokes no single sign-in; tokens expire, or a person ends them."""

    async def drives(self, remote: str) -> Sequence[tuple[GraphDrive, bool]]:
        """Return the drives of a remote's account, and which it uses. Raises as `Remotes.run`."""
        drives = await self._list(remote)
        options = [each.options for each in await self.drive.remotes.list() if each.name == remote]
        selected = options[0].get(DRIVE_ID) if options else None
        return [(each, each.id == selected) for each in drives]

    async def select_drive(self, remote: str, drive_id: str) -> Sequence[tuple[GraphDrive, bool]]:
        """Let a remote use another drive of its account. Raises NotFound too."""
        for drive in await self._list(remote):
            if drive.id == drive_id:
                chosen = {DRIVE_ID: drive.id, DRIVE_TYPE: drive.type}
                await self.drive.remotes.set_options(remote, chosen)
                self.context.connections.export(NAME)
                return await self.drives(remote)
        raise NotFound("The account has no such drive.")

    async def _list(self, remote: str) -> Sequence[GraphDrive]:
        remotes = self.drive.remotes

        async def ask() -> Sequence[GraphDrive]:
            tokens = await remotes.prepare(remote)
            try:
                return await list_drives(self.context.http, tokens)
            except Unauthorized as error:
                raise TokenRefused(error.message) from None

        return await remotes.run(remote, ask)
