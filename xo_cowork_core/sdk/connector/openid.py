"""Accounts of OpenID Connect: the userinfo endpoint and the ID token (OpenID Connect Core 1.0)."""

import base64
import json
from collections.abc import Mapping
from typing import cast

from pydantic import SecretStr

from xo_cowork_core.sdk.connector.account_request import fetch_account
from xo_cowork_core.sdk.connector.connector import Account
from xo_cowork_core.sdk.connector.tokens import TokenSet
from xo_cowork_core.sdk.errors import UpstreamFailed
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.http import HttpClient

__all__ = ["account_of_id_token", "fetch_userinfo"]


async def fetch_userinfo(http: HttpClient, url: str, tokens: TokenSet) -> Account:
    """Return the account that the userinfo endpoint at `url` tells (section 5.3).

    Raises as `Connector.identify`.
    """
    return _account_of_claims(await fetch_account(http, url, tokens))


def account_of_id_token(tokens: TokenSet) -> Account:
    """Return the account in the ID token; one without an id where there is no readable one.

    Its signature is not checked: it came from the token endpoint itself, over TLS (section
    3.1.3.7).
    """
    id_token = tokens.extra.get("id_token", SecretStr("")).get_secret_value()
    payload = id_token.split(".")[1] if id_token.count(".") == 2 else ""
    try:
        value: object = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        value = None
    if not isinstance(value, Mapping):
        return Account("")
    claims = cast("Mapping[str, JsonValue]", value)
    return _account_of_claims(claims) if claims.get("sub") else Account("")


def _account_of_claims(claims: Mapping[str, JsonValue]) -> Account:
    account_id = _text(claims, "sub")
    if not account_id:
        raise UpstreamFailed("The service sent an account without an id.")
    return Account(
        account_id,
        username=_text(claims, "preferred_username"),
        name=_text(claims, "name"),
        email=_text(claims, "email"),
        avatar_url=_text(claims, "picture"),
    )


def _text(claims: Mapping[str, JsonValue], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
