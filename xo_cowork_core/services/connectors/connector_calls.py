"""Calls of a connector's code, with a time limit and with its errors translated."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import fields
from typing import TypeVar, get_args

from xo_cowork_core.sdk import Unavailable, UpstreamFailed, XoError
from xo_cowork_core.sdk.connector import Account, Connector, Revokes, SignInMethod, TokenSet
from xo_cowork_core.services.connectors.errors import UpstreamUnreachable
from xo_cowork_core.services.runtimes.registry import RegisteredConnector

IDENTIFY_SECONDS = 30.0
REVOKE_SECONDS = 10.0
MAX_TEXT_CHARACTERS = 2048
T = TypeVar("T")
log = logging.getLogger("xo_cowork.connectors")


def list_methods(registered: RegisteredConnector) -> Sequence[SignInMethod]:
    """Return a connector's sign-in methods. Raises UpstreamFailed when its code fails."""
    name = registered.info.name
    try:
        methods = list(registered.connector.sign_in_methods())
    except (Exception, SystemExit) as error:
        log.exception("connector %s: sign_in_methods failed", name)
        raise UpstreamFailed(f"The connector {name} can't tell how to sign in.") from error
    valid: list[SignInMethod] = []
    for method in methods:
        if isinstance(method, get_args(SignInMethod)):
            valid.append(method)
        else:
            log.error(
                "connector %s: sign_in_methods returned %s, not a method such as ApiKey()",
                name,
                type(method).__name__,
            )
    return valid


async def identify(registered: RegisteredConnector, tokens: TokenSet) -> Account:
    """Return the account of tokens.

    Raises Unauthorized when the service refuses them, else Unavailable or UpstreamFailed.
    """
    if not registered.plugin.serves:
        raise Unavailable(f"The plugin {registered.plugin.name} is not ready.", retry_after=1)
    connector: Connector = registered.connector
    account = await _call(registered, connector.identify(tokens), "identify", IDENTIFY_SECONDS)
    if not isinstance(account, Account):  # pyright: ignore[reportUnnecessaryIsInstance]
        log.error("connector %s: identify returned no Account", registered.info.name)
        raise UpstreamFailed(f"The connector {registered.info.name} returned no account.")
    texts = [getattr(account, field.name) for field in fields(account)]
    if not all(isinstance(text, str) and len(text) <= MAX_TEXT_CHARACTERS for text in texts):
        log.error("connector %s: a field of its account is no short text", registered.info.name)
        raise UpstreamFailed(f"The connector {registered.info.name} returned a wrong account.")
    return account


async def revoke(registered: RegisteredConnector, tokens: TokenSet) -> bool:
    """Let a connector revoke tokens by itself; False when it does not. Raises XoError."""
    if not isinstance(registered.connector, Revokes) or not registered.plugin.serves:
        return False
    await _call(registered, registered.connector.revoke(tokens), "revoke", REVOKE_SECONDS)
    return True


async def _call(
    registered: RegisteredConnector, call: Awaitable[T], name: str, seconds: float
) -> T:
    connector = registered.info.name
    try:
        async with asyncio.timeout(seconds):
            return await call
    except XoError:
        raise
    except TimeoutError:
        raise UpstreamUnreachable(f"{registered.info.title} did not answer in time.") from None
    except (Exception, SystemExit) as error:
        log.exception("connector %s: %s failed", connector, name)
        raise UpstreamFailed(f"The connector {connector} failed; the log says why.") from error
