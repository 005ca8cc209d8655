"""Google Drive: its ways to sign in, and whose account it is."""

from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import SecretStr

from xo_connector_gdrive.options import (
    CLIENT_ID,
    CLIENT_SECRET,
    NAME,
    PUBLIC_REDIRECT,
    SCOPE,
)
from xo_cowork_core.sdk import (
    HostContext,
    HttpResponse,
    JsonValue,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
)
from xo_cowork_core.sdk.connector import (
    Account,
    AuthorizationCode,
    ConnectorInfo,
    OAuthClient,
    OAuthServer,
    SignInMethod,
    TokenSet,
)
from xo_lib_rclone.authorize import authorize_method
from xo_lib_rclone.backend import Options, RcloneBackend, StoredRemote
from xo_lib_rclone.connector import DriveConnector
from xo_lib_rclone.remotes import UNKNOWN_STATES

TITLE = "Google Drive"
SCOPE_PREFIX = "https://www.googleapis.com/auth/"
SCOPES = ("drive.file", "drive", "drive.readonly")
SERVER = OAuthServer(
    authorization_endpoint="https://accounts.google.com/o/oauth2/v2/auth",
    token_endpoint="https://oauth2.googleapis.com/token",  # noqa: S106  # an address
    revocation_endpoint="https://oauth2.googleapis.com/revoke",
)
# without `prompt=consent` a second sign-in gets no refresh token
PARAMETERS = {"access_type": "offline", "prompt": "consent", "include_granted_scopes": "false"}
ABOUT_URL = "https://www.googleapis.com/drive/v3/about"
RATE_LIMITS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded"})
RATE_LIMIT_SECONDS = 60
SHARED_CLIENT = (
    "Sign in with rclone's shared client id (Google switches it off in 2026: better set "
    f"{CLIENT_ID} and {CLIENT_SECRET})"
)


class GoogleDriveBackend(RcloneBackend):
    """Sections of rclone's type `drive`. A remote's scope is that of its sign-in."""

    type = "drive"
    title = TITLE

    def __init__(self, scope: str) -> None:
        self._scope = scope

    async def options(self, remote: StoredRemote, tokens: TokenSet) -> Options:
        return {**remote.options, "scope": self._scope_of(remote.options, tokens.scopes)}

    def export_options(self, options: Options, scopes: tuple[str, ...]) -> Options:
        return {**options, "scope": self._scope_of(options, scopes)}

    def describe(self, options: Options, scopes: tuple[str, ...]) -> Mapping[str, str]:
        return {"scope": self._scope_of(options, scopes)}

    def _scope_of(self, options: Options, scopes: tuple[str, ...]) -> str:
        granted = [scope.removeprefix(SCOPE_PREFIX) for scope in scopes]
        return next(
            (scope for scope in granted if scope in SCOPES), options.get("scope") or self._scope
        )


class GoogleDrive(DriveConnector):
    """The connector `gdrive`. Its best sign-in is the one with the workspace's own client."""

    def __init__(self, context: HostContext) -> None:
        scope = context.settings[SCOPE]
        if scope not in SCOPES:
            raise ValueError(f"{SCOPE} is {scope!r}: use one of {', '.join(SCOPES)}")
        super().__init__(context, ConnectorInfo(NAME, TITLE), GoogleDriveBackend(scope))
        self._scope = scope

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        own_client = AuthorizationCode(
            server=SERVER,
            client=OAuthClient(client_id_key=CLIENT_ID, client_secret_key=CLIENT_SECRET),
            scopes=(SCOPE_PREFIX + self._scope,),
            title="Sign in with Google",
            public_redirect=self.context.settings[PUBLIC_REDIRECT] == "1",
            parameters=PARAMETERS,
        )
        shared_client = authorize_method(
            self.drive.program,
            GoogleDriveBackend.type,
            title=SHARED_CLIENT,
            options=["--drive-scope", self._scope],
        )
        if CLIENT_ID in self.context.secrets.environment():
            return [own_client, shared_client]
        return [shared_client, own_client]

    async def identify(self, tokens: TokenSet) -> Account:
        response = await self.context.http.request(
            "GET",
            ABOUT_URL,
            params={"fields": "user"},
            headers={
                "Authorization": SecretStr(f"Bearer {tokens.access_token.get_secret_value()}"),
                "Accept": "application/json",
            },
        )
        _check(response)
        user = _member(response.json(), "user")
        account_id = str(user.get("permissionId") or "")
        if not account_id:
            raise UpstreamFailed("Google Drive sent no account.")
        email = str(user.get("emailAddress") or "")
        return Account(
            account_id,
            username=email,
            name=str(user.get("displayName") or ""),
            email=email,
            avatar_url=str(user.get("photoLink") or ""),
        )

    async def revoke_tokens(self, tokens: TokenSet) -> None:
        if await self._is_shared(tokens):
            self.context.log.info("access stays: another remote is of the same account")
            return
        token = tokens.refresh_token or tokens.access_token
        response = await self.context.http.request(
            "POST", SERVER.revocation_endpoint, data={"token": token}
        )
        # 400: the token is invalid already
        if response.status not in {200, 400}:
            raise UpstreamFailed(f"Google answered the revocation with {response.status}.")

    async def _is_shared(self, tokens: TokenSet) -> bool:
        """Return whether another remote would lose its access, too.

        Google revokes all that an account has granted to a client, not one token.
        """
        statuses = self.context.connections.statuses(NAME)
        remotes = [each for each in statuses if each.state not in UNKNOWN_STATES]
        try:
            account = await self.identify(tokens)
        except Unauthorized:
            return len(remotes) > 1
        return (
            sum(each.account is not None and each.account.id == account.id for each in remotes) > 1
        )


def _check(response: HttpResponse) -> None:
    """Raise the error that an answer of the Drive API is. 403 has several meanings."""
    if response.status == 200:
        return
    reasons = _reasons(response) if response.status == 403 else frozenset[str]()
    if response.status == 429 or reasons & RATE_LIMITS:
        raise Unavailable(f"{TITLE} limits requests.", retry_after=RATE_LIMIT_SECONDS)
    if "accessNotConfigured" in reasons:
        raise Unavailable(f"The {TITLE} API is not enabled in the project of {CLIENT_ID}.")
    if response.status in {401, 403}:
        raise Unauthorized(f"{TITLE} refuses the sign-in.")
    if response.status >= 500:
        raise Unavailable(f"{TITLE} is overloaded.")
    raise UpstreamFailed(f"{TITLE} sent no account but status {response.status}.")


def _reasons(response: HttpResponse) -> frozenset[str]:
    """Return the reasons in an error of Google's APIs."""
    try:
        error = _member(response.json(), "error")
    except UpstreamFailed:
        return frozenset()
    faults = error.get("errors")
    rows = faults if isinstance(faults, list) else []
    return frozenset(str(row.get("reason")) for row in rows if isinstance(row, Mapping))


def _member(body: JsonValue, name: str) -> Mapping[str, JsonValue]:
    value = body.get(name) if isinstance(body, Mapping) else None
    return cast("Mapping[str, JsonValue]", value) if isinstance(value, Mapping) else {}
