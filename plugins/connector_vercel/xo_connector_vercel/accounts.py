"""Who an access token that a person created belongs to: Vercel's REST API."""

from collections.abc import Mapping

from xo_cowork_core.sdk import HttpClient, JsonValue, UpstreamFailed
from xo_cowork_core.sdk.connector import Account, TokenSet, fetch_account

USER_URL = "https://api.vercel.com/v2/user"
AVATAR_URL = "https://vercel.com/api/www/avatar/{}"


async def fetch_user(http: HttpClient, tokens: TokenSet) -> Account:
    """Return the account. Raises as `Connector.identify`."""
    body = await fetch_account(http, USER_URL, tokens)
    user = body.get("user")
    if not isinstance(user, Mapping) or not _text(user, "id"):
        raise UpstreamFailed("Vercel sent no account.")
    avatar = _text(user, "avatar")
    return Account(
        _text(user, "id"),
        username=_text(user, "username"),
        name=_text(user, "name"),
        email=_text(user, "email"),
        avatar_url=AVATAR_URL.format(avatar) if avatar else "",
    )


def _text(members: Mapping[str, JsonValue], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""
