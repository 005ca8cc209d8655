"""Calls of a connector's code, with a time limit, checked results and translated errors.

A fault is recorded with its plugin, which goes on serving.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import Turn, Unavailable, UpstreamFailed, XoError
from xo_cowork_core.sdk.connector import (
    Account,
    Connector,
    GitCredential,
    McpEndpoint,
    ProvidesGitCredentials,
    ProvidesMcpServer,
    ProvidesRawTokens,
    ProvidesTurnEnvironment,
    RefreshesTokens,
    Revokes,
    SignInMethod,
    TokenSet,
)
from xo_cowork_core.services.connectors.errors import UpstreamUnreachable
from xo_cowork_core.services.runtimes.calls import (
    PLAIN_CALL_ERRORS,
    CallTimeout,
    checked_call,
    checked_call_in_thread,
    require_type,
)
from xo_cowork_core.services.runtimes.plugin_record import PluginError, describe_exception
from xo_cowork_core.services.runtimes.registry import RegisteredConnector
from xo_cowork_core.services.runtimes.value_words import shorten
from xo_cowork_core.services.secrets.reserved_names import find_refusal

IDENTIFY_SECONDS = 30.0
REFRESH_SECONDS = 30.0
REVOKE_SECONDS = 10.0
MAX_TEXT_CHARACTERS = 2048
GIT_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?")
METHOD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
PATTERNS = ("pattern", "url_pattern", "code_pattern", "error_pattern")
T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
log = logging.getLogger("xo_cowork.connectors")


async def list_methods(registered: RegisteredConnector) -> Sequence[SignInMethod]:
    """Return a connector's sign-in methods. Raises UpstreamFailed when its code fails."""
    try:
        methods = await checked_call_in_thread(
            registered.plugin, registered.connector, Connector.sign_in_methods
        )
        check_methods(methods)
    except PluginError as fault:
        raise _record(registered, "sign_in_methods()", str(fault)) from None
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
    names = [field.name for field in fields(account) if field.name != "scopes"]
    texts = [*(str(getattr(account, name)) for name in names), " ".join(account.scopes)]
    if any(len(text) > MAX_TEXT_CHARACTERS for text in texts):
        raise _record(registered, "identify()", "identify(): a text of the account is too long")
    return account


async def refresh(registered: RegisteredConnector, tokens: TokenSet) -> TokenSet | None:
    """Let a connector refresh tokens by itself; None when it does not.

    Raises Unauthorized when a person has to sign in again, else Unavailable or UpstreamFailed.
    """
    if not isinstance(registered.connector, RefreshesTokens):
        return None
    if not registered.plugin.serves:
        raise Unavailable(f"The plugin {registered.plugin.name} is not ready.", retry_after=1)
    return await _call(registered, RefreshesTokens.refresh, tokens, seconds=REFRESH_SECONDS)


async def revoke(registered: RegisteredConnector, tokens: TokenSet) -> bool:
    """Let a connector revoke tokens by itself; False when it does not. Raises XoError."""
    if not isinstance(registered.connector, Revokes) or not registered.plugin.serves:
        return False
    await _call(registered, Revokes.revoke, tokens, seconds=REVOKE_SECONDS)
    return True


def turn_environment(
    registered: RegisteredConnector, turn: Turn, tokens: TokenSet
) -> Mapping[str, SecretStr]:
    """Return what a connector adds to the environment of a turn; nothing when its code fails.

    An entry with a token is left out, and recorded.
    """
    connector = registered.connector
    place = "turn_environment()"
    if not isinstance(connector, ProvidesTurnEnvironment):
        return {}
    call = partial(connector.turn_environment, turn, tokens)
    entries = _allowed_entries(registered, call, place)
    secrets = [tokens.access_token, tokens.refresh_token, *tokens.extra.values()]
    texts = [secret.get_secret_value() for secret in secrets if secret]
    for key, value in list(entries.items()):
        if any(text and text in value.get_secret_value() for text in texts):
            fault = f"{place}: {key} has a token: return it from raw_token_environment()"
            registered.plugin.add_fault(place, fault)
            del entries[key]
    return entries


def raw_token_environment(
    registered: RegisteredConnector, turn: Turn, tokens: TokenSet
) -> Mapping[str, SecretStr]:
    """Return the entries with a connector's tokens; nothing when its code fails."""
    connector = registered.connector
    if not isinstance(connector, ProvidesRawTokens):
        return {}
    call = partial(connector.raw_token_environment, turn, tokens)
    return _allowed_entries(registered, call, "raw_token_environment()")


def _allowed_entries(
    registered: RegisteredConnector, call: Callable[[], object], place: str
) -> dict[str, SecretStr]:
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


def mcp_server(registered: RegisteredConnector) -> McpEndpoint | None:
    """Return the MCP server that a connector names. Raises UpstreamFailed when its code fails."""
    connector = registered.connector
    if not isinstance(connector, ProvidesMcpServer):
        return None
    endpoint: McpEndpoint | None = _call_now(
        registered, connector.mcp_server, McpEndpoint | None, "mcp_server()"
    )
    return endpoint


def git_hosts(registered: RegisteredConnector) -> Sequence[str]:
    """Return the hosts for whose repositories a connector has credentials; none when it fails."""
    connector, place = registered.connector, "git_hosts()"
    if not isinstance(connector, ProvidesGitCredentials):
        return ()
    try:
        hosts: Sequence[str] = _call_now(registered, connector.git_hosts, Sequence[str], place)
    except UpstreamFailed:
        return ()
    for host in hosts:
        if not GIT_HOST.fullmatch(host):
            record_fault(registered, place, f"{place}: {host[:64]!r} is no host name")
    return [host for host in hosts if GIT_HOST.fullmatch(host)]


def git_credential(registered: RegisteredConnector, tokens: TokenSet) -> GitCredential:
    """Return what git sends. Raises UpstreamFailed when the connector's code fails."""
    connector, place = registered.connector, "git_credential()"
    assert isinstance(connector, ProvidesGitCredentials)
    credential: GitCredential = _call_now(
        registered, lambda: connector.git_credential(tokens), GitCredential, place
    )
    if not (credential.username + credential.password.get_secret_value()).isprintable():
        raise _record(registered, place, f"{place}: git takes printable characters alone")
    return credential


def record_fault(registered: RegisteredConnector, place: str, fault: str) -> None:
    """Record what is wrong with what a connector returned."""
    registered.plugin.add_fault(place, fault)


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
