"""Calls of a connector's code, with a time limit, checked results and translated errors.

A fault is recorded with its plugin, which goes on serving.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar, TypeVarTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import Turn, Unavailable, UpstreamFailed, XoError
from xo_cowork_core.sdk.connector import (
    Account,
    Connector,
    ProvidesTurnEnvironment,
    Revokes,
    SignInMethod,
    TokenSet,
)
from xo_cowork_core.services.connectors.errors import UpstreamUnreachable
from xo_cowork_core.services.runtimes.calls import (
    PLAIN_CALL_ERRORS,
    CallTimeout,
    checked_call,
    require_type,
)
from xo_cowork_core.services.runtimes.plugin_record import PluginError, describe_exception
from xo_cowork_core.services.runtimes.registry import RegisteredConnector
from xo_cowork_core.services.runtimes.value_words import shorten
from xo_cowork_core.services.secrets.reserved_names import find_refusal

IDENTIFY_SECONDS = 30.0
REVOKE_SECONDS = 10.0
MAX_TEXT_CHARACTERS = 2048
METHOD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
PATTERNS = ("pattern", "url_pattern", "code_pattern", "error_pattern")
T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
log = logging.getLogger("xo_cowork.connectors")


def list_methods(registered: RegisteredConnector) -> Sequence[SignInMethod]:
    """Return a connector's sign-in methods. Raises UpstreamFailed when its code fails."""
    connector = registered.connector
    place = "sign_in_methods()"
    methods = _call_now(registered, connector.sign_in_methods, Sequence[SignInMethod], place)
    try:
        check_methods(methods)
    except PluginError as fault:
        raise _record(registered, place, str(fault)) from None
    return list(methods)


def check_methods(methods: Sequence[SignInMethod]) -> None:
    """Check the ids and patterns of sign-in methods. Raises PluginError."""
    place = "sign_in_methods()"
    ids = [method.id for method in methods]
    for method in methods:
        if not METHOD_ID.fullmatch(method.id):
            raise PluginError(f"{place}: the id {method.id[:64]!r} of a way to sign in is no name")
        if ids.count(method.id) > 1:
            raise PluginError(f"{place}: two ways to sign in have the id {method.id!r}")
        for name in PATTERNS:
            try:
                re.compile(getattr(method, name, ""))
            except re.error as error:
                text = f"{place}: {name} of {method.id} is no regular expression: {error}"
                raise PluginError(text) from None


async def identify(registered: RegisteredConnector, tokens: TokenSet) -> Account:
    """Return the account of tokens.

    Raises Unauthorized when the service refuses them, else Unavailable or UpstreamFailed.
    """
    if not registered.plugin.serves:
        raise Unavailable(f"The plugin {registered.plugin.name} is not ready.", retry_after=1)
    account = await _call(registered, Connector.identify, tokens, seconds=IDENTIFY_SECONDS)
    texts: list[str] = [getattr(account, field.name) for field in fields(account)]
    if any(len(text) > MAX_TEXT_CHARACTERS for text in texts):
        raise _record(registered, "identify()", "identify(): a text of the account is too long")
    return account


async def revoke(registered: RegisteredConnector, tokens: TokenSet) -> bool:
    """Let a connector revoke tokens by itself; False when it does not. Raises XoError."""
    if not isinstance(registered.connector, Revokes) or not registered.plugin.serves:
        return False
    await _call(registered, Revokes.revoke, tokens, seconds=REVOKE_SECONDS)
    return True


def turn_environment(
    registered: RegisteredConnector, turn: Turn, tokens: TokenSet
) -> Mapping[str, SecretStr]:
    """Return what a connector adds to the environment of a turn; nothing when its code fails."""
    connector = registered.connector
    place = "turn_environment()"
    if not isinstance(connector, ProvidesTurnEnvironment):
        return {}

    def call() -> object:
        return connector.turn_environment(turn, tokens)

    try:
        entries = _call_now(registered, call, Mapping[str, SecretStr], place)
    except UpstreamFailed:
        return {}
    allowed: dict[str, SecretStr] = {}
    for key, value in entries.items():
        if refusal := find_refusal(key, value.get_secret_value()):
            text = f"{place}: {shorten(key)} {refusal}: leave it out"
            registered.plugin.add_fault(place, text)
        else:
            allowed[key] = value
    return allowed


def _call_now(
    registered: RegisteredConnector, call: Callable[[], object], hint: Any, place: str
) -> Any:
    try:
        return require_type(call(), hint, place)
    except PluginError as fault:
        raise _record(registered, place, str(fault)) from fault
    except PLAIN_CALL_ERRORS as error:
        text = f"{place} raised {describe_exception(error)}"
        raise _record(registered, place, text) from error


async def _call(
    registered: RegisteredConnector,
    method: Callable[[Any, *Arguments], Awaitable[T]],
    *arguments: *Arguments,
    seconds: float,
) -> T:
    place = f"{method.__name__}()"
    try:
        return await checked_call(registered.connector, method, *arguments, seconds=seconds)
    except XoError:
        raise
    except CallTimeout:
        registered.plugin.add_late_call(place, seconds)
        raise UpstreamUnreachable(f"{registered.info.title} did not answer in time.") from None
    except PluginError as fault:
        raise _record(registered, place, str(fault)) from fault
    except Exception as error:
        log.exception("connector %s: %s", registered.info.name, place)
        text = f"{place} raised {describe_exception(error)}"
        raise _record(registered, place, text) from error


def _record(registered: RegisteredConnector, place: str, fault: str) -> UpstreamFailed:
    registered.plugin.add_fault(place, fault)
    return UpstreamFailed(f"The connector {registered.info.name} failed; the log says why.")
