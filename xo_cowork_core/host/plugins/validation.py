"""Checks of the values that a plugin's hooks and `describe` return. All raise PluginError."""

import re
from collections.abc import Sequence
from typing import get_args

from xo_cowork_core.host.plugins.hook_caller import HookCaller, PluginError, describe_exception
from xo_cowork_core.sdk import Contributions, Runtime, RuntimeInfo, SecretField
from xo_cowork_core.sdk.connector import Connector, ConnectorInfo, SignInMethod
from xo_cowork_core.services.runtimes.registry import PluginRecord, RegisteredConnector

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SETTING_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
SECRET_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_contributions(hooks: HookCaller) -> Contributions:
    """Return what a plugin contributes; nothing where it lacks the hook."""
    if not hooks.implements("xo_contributes"):
        return Contributions()
    contributions = hooks.call("xo_contributes")
    if not isinstance(contributions, Contributions) or isinstance(contributions.prefixes, str):
        raise PluginError("xo_contributes must return Contributions, with a list of prefixes")
    if contributions.env_file and not contributions.env_file.startswith(("/", "~/")):
        raise PluginError(f"its env file {contributions.env_file!r} is no path like ~/.acme/env")
    for setting in contributions.settings:
        if not SETTING_NAME.fullmatch(setting.name):
            raise PluginError(f"its setting {setting.name!r} is no name like ACME_URL")
    return contributions


def read_secret_fields(hooks: HookCaller) -> list[SecretField]:
    """Return the secrets that a plugin declares."""
    secrets: list[SecretField] = hooks.call_for_list("xo_secrets", SecretField)
    for secret in secrets:
        if not SECRET_KEY.fullmatch(secret.key):
            raise PluginError(f"its secret {secret.key!r} is no name like ACME_KEY")
    return secrets


def describe_runtime(runtime: Runtime) -> RuntimeInfo:
    """Return a runtime's description."""
    try:
        info = runtime.describe()
    except Exception as error:
        raise PluginError(f"describe() of a runtime raised {describe_exception(error)}") from error
    if not isinstance(info, RuntimeInfo):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PluginError("describe() of a runtime must return RuntimeInfo")
    if isinstance(info.aliases, str):
        raise PluginError(f"its runtime's aliases are a text: write ({info.aliases!r},)")
    _check_runtime_names((info.name, *info.aliases))
    return info


def describe_connector(connector: Connector, record: PluginRecord) -> RegisteredConnector:
    """Return a connector with its description and the kinds of its sign-in methods."""
    try:
        info = connector.describe()
        methods = list(connector.sign_in_methods())
    except Exception as error:
        raise PluginError(f"a connector raised {describe_exception(error)}") from error
    if not isinstance(info, ConnectorInfo):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PluginError("describe() of a connector must return ConnectorInfo")
    if not NAME.fullmatch(info.name):
        raise PluginError(f"its connector's name {info.name!r} is no name like acme or acme-drive")
    for method in methods:
        if not isinstance(method, get_args(SignInMethod)):
            raise PluginError(
                f"sign_in_methods() of the connector {info.name} must return methods such as "
                f"ApiKey(), not {type(method).__name__}"
            )
    kinds = list(dict.fromkeys(method.kind for method in methods))
    return RegisteredConnector(info, connector, record, kinds)


def _check_runtime_names(names: Sequence[str]) -> None:
    for name in names:
        if not NAME.fullmatch(name):
            raise PluginError(f"its runtime's name {name!r} is no name like acme or acme-cli")
