"""Requests to Microsoft Graph: the account, and the drives that it has."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from xo_cowork_core.sdk import Conflict, HttpClient, JsonValue, Unauthorized, UpstreamFailed
from xo_cowork_core.sdk.connector import Account, TokenSet, fetch_account, request_account

ACCOUNT_SCOPE = "User.Read"
GRAPH_URL = "https://graph.microsoft.com/v1.0"
# an organisation's account without a licence, or one that never opened its OneDrive
NO_DRIVE_SIGNS = ("spo license", "mysite")


class NoDrive(Conflict):
    """409: the account has no OneDrive."""

    code = "no_drive"


class GraphDrive(NamedTuple):
    """A drive of the account. `type` is `personal`, `business` or `documentLibrary`."""

    id: str
    name: str
    type: str


async def read_account(http: HttpClient, tokens: TokenSet) -> Account:
    """Return the account of the tokens. Raises as `Connector.identify`, and NoDrive."""
    try:
        answer = await fetch_account(http, f"{GRAPH_URL}/me", tokens)
    except Unauthorized:
        if ACCOUNT_SCOPE in tokens.scopes:
            raise
        # an older server's sign-in has no scope for the account: its drive names the owner
        owner = (await _read_own(http, tokens)).get("owner")
        user = owner.get("user") if isinstance(owner, Mapping) else None
        if not isinstance(user, Mapping):
            raise UpstreamFailed("Microsoft sent a drive without an owner.") from None
        return Account(_text(user, "id"), name=_text(user, "displayName"))
    account = Account(
        id=_text(answer, "id"),
        username=_text(answer, "userPrincipalName"),
        name=_text(answer, "displayName"),
        email=_text(answer, "mail") or _text(answer, "userPrincipalName"),
    )
    await read_own_drive(http, tokens, account.email)
    return account


async def read_own_drive(http: HttpClient, tokens: TokenSet, email: str = "") -> GraphDrive:
    """Return the drive that Microsoft opens for the account. Raises as `read_account`."""
    return _drive(await _read_own(http, tokens, email))


async def _read_own(http: HttpClient, tokens: TokenSet, email: str = "") -> Mapping[str, JsonValue]:
    answer = await _get(http, "/me/drive", tokens)
    if answer is None:
        name = f"The account {email}" if email else "This account"
        raise NoDrive(f"{name} has no OneDrive. Sign in with an account that has one.")
    return answer


async def list_drives(http: HttpClient, tokens: TokenSet) -> Sequence[GraphDrive]:
    """Return all drives of the account. Raises as `Connector.identify`."""
    answer = await _get(http, "/me/drives", tokens)
    items = answer.get("value") if answer else []
    if not isinstance(items, list):
        raise UpstreamFailed("Microsoft sent no list of drives.")
    return [_drive(item) for item in items if isinstance(item, Mapping)]


async def _get(http: HttpClient, path: str, tokens: TokenSet) -> Mapping[str, JsonValue] | None:
    """Return the JSON object at a path; None where the account has nothing there."""
    response = await request_account(http, GRAPH_URL + path, tokens)
    text = response.text.lower()
    if response.status == 404 or (
        response.status == 400 and any(sign in text for sign in NO_DRIVE_SIGNS)
    ):
        return None
    answer = response.json() if response.status == 200 else None
    if not isinstance(answer, Mapping):
        raise UpstreamFailed(f"Microsoft answered with status {response.status}.")
    return cast("Mapping[str, JsonValue]", answer)


def _drive(item: Mapping[str, JsonValue]) -> GraphDrive:
    drive = GraphDrive(_text(item, "id"), _text(item, "name"), _text(item, "driveType"))
    if not drive.id or not drive.type:
        raise UpstreamFailed("Microsoft sent a drive without an id or a type.")
    return drive


def _text(answer: Mapping[str, JsonValue], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""
