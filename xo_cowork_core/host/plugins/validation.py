"""What a plugin says of itself: its claims, runtimes, connectors and secrets, each checked."""

import re
from collections.abc import Sequence

from xo_cowork_core.host.plugins.faults import describe_fault
from xo_cowork_core.host.plugins.hook_caller import HookCaller, PluginFault
from xo_cowork_core.sdk import Claims, Connector, Runtime, RuntimeInfo, SecretField
from xo_cowork_core.services.runtimes.registry import PluginRecord, RegisteredConnector

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SETTING = re.compile(r"[A-Z][A-Z0-9_]*")
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def claims_of(calls: HookCaller) -> Claims:
    """Ask for a plugin's claims. Raises PluginFault, as all of these do."""
    if not calls.has("xo_claims"):
        return Claims()
    claims = calls.call("xo_claims")
    if not isinstance(claims, Claims) or isinstance(claims.prefixes, str):
        raise PluginFault("xo_claims must return Claims, with a list of prefixes")
    if claims.env_file and not claims.env_file.startswith(("/", "~/")):
        raise PluginFault(f"its env file {claims.env_file!r} is no path like ~/.acme/env")
    for setting in claims.settings:
        if not SETTING.fullmatch(setting.name):
            raise PluginFault(f"its setting {setting.name!r} is no name like ACME_URL")
    return claims


def secrets_of(calls: HookCaller) -> list[SecretField]:
    """Ask for the secrets that a plugin needs."""
    secrets: list[SecretField] = calls.items("xo_secrets", SecretField)
    for secret in secrets:
        if not KEY.fullmatch(secret.key):
            raise PluginFault(f"its secret {secret.key!r} is no name like ACME_KEY")
    return secrets


def info_of(runtime: Runtime) -> RuntimeInfo:
    """Ask a runtime who it is."""
    try:
        info = runtime.describe()
    except Exception as error:
        raise PluginFault(f"describe() of a runtime raised {describe_fault(error)}") from error
    if not isinstance(info, RuntimeInfo):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PluginFault("describe() of a runtime must return RuntimeInfo")
    if isinstance(info.aliases, str):
        raise PluginFault(f"its runtime's aliases are a text: write ({info.aliases!r},)")
    _check_names((info.name, *info.aliases))
    return info


def connector_of(connector: Connector, record: PluginRecord) -> RegisteredConnector:
    """Ask a connector who it is and how one signs in."""
    try:
        info = connector.describe()
        record.auth.extend(str(kind) for kind in connector.auth())
        return RegisteredConnector(info.name, info.title, connector, record)
    except Exception as error:
        raise PluginFault(f"describe() of a connector raised {describe_fault(error)}") from error


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not NAME.fullmatch(name):
            raise PluginFault(f"its runtime's name {name!r} is no name like acme or acme-cli")
