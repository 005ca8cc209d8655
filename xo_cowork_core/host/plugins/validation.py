"""Checks of the values that a plugin's hooks and `describe` return. All raise PluginError."""

import inspect
import re
from collections.abc import Sequence

from xo_cowork_core.api.server.schemas import HealthReport
from xo_cowork_core.host.plugins.hook_caller import HookCaller
from xo_cowork_core.host.settings.model import setting_fields
from xo_cowork_core.sdk import Contributions, Runtime, RuntimeInfo, SecretField
from xo_cowork_core.sdk.connector import Connector
from xo_cowork_core.services.connectors.connector_calls import check_methods
from xo_cowork_core.services.runtimes.calls import checked_plain_call
from xo_cowork_core.services.runtimes.plugin_record import PluginError, PluginRecord
from xo_cowork_core.services.runtimes.registry import RegisteredConnector
from xo_cowork_core.services.secrets.reserved_names import find_refusal

TITLE_CHARACTERS = 100
RUN_ADVICE = (
    "run() must be an asynchronous generator: write `async def run(self, turn)` with `yield`"
)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
HEALTH_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")
SETTING_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
SECRET_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_contributions(hooks: HookCaller) -> Contributions:
    """Return what a plugin contributes; nothing where it lacks the hook."""
    if not hooks.implements("xo_contributes"):
        return Contributions()
    contributions: Contributions = hooks.call("xo_contributes", Contributions)
    if contributions.env_file and not contributions.env_file.startswith(("/", "~/")):
        raise PluginError(f"its env file {contributions.env_file!r} is no path like ~/.acme/env")
    server_settings = {field.name for _, field in setting_fields()}
    for setting in contributions.settings:
        if not SETTING_NAME.fullmatch(setting.name):
            raise PluginError(f"its setting {setting.name!r} is no name like ACME_URL")
        if setting.name in server_settings:
            raise PluginError(f"{setting.name} is a setting of the server: name it like ACME_URL")
    return contributions


def read_secret_fields(hooks: HookCaller) -> list[SecretField]:
    """Return the secrets that a plugin declares."""
    secrets: list[SecretField] = hooks.call_for_list("xo_secrets", SecretField)
    for secret in secrets:
        if not SECRET_KEY.fullmatch(secret.key):
            raise PluginError(f"its secret {secret.key!r} is no name like ACME_KEY")
        if refusal := find_refusal(secret.key):
            raise PluginError(f"its secret {secret.key} {refusal}: name it like ACME_KEY")
    return secrets


def describe_runtime(runtime: Runtime) -> RuntimeInfo:
    """Return a runtime's description."""
    if inspect.iscoroutinefunction(runtime.run) or inspect.isgeneratorfunction(runtime.run):
        raise PluginError(RUN_ADVICE)
    info = checked_plain_call(runtime, Runtime.describe)
    _check_title(info.title)
    if info.silent_seconds <= 0:
        raise PluginError("RuntimeInfo.silent_seconds must be above 0")
    _check_runtime_names((info.name, *info.aliases))
    _check_health_field(info.health_field)
    return info


def describe_connector(connector: Connector, record: PluginRecord) -> RegisteredConnector:
    """Return a connector with its description and the kinds of its sign-in methods."""
    info = checked_plain_call(connector, Connector.describe)
    methods = checked_plain_call(connector, Connector.sign_in_methods)
    check_methods(methods)
    _check_title(info.title)
    if not NAME.fullmatch(info.name):
        raise PluginError(f"its connector's name {info.name!r} is no name like acme or acme-drive")
    kinds = list(dict.fromkeys(method.kind for method in methods))
    return RegisteredConnector(info, connector, record, kinds)


def _check_title(title: str) -> None:
    if not title.strip() or len(title) > TITLE_CHARACTERS or not title.isprintable():
        raise PluginError(f"its title must be one line of 1 to {TITLE_CHARACTERS} characters")


def _check_health_field(name: str) -> None:
    if name and not HEALTH_FIELD.fullmatch(name):
        raise PluginError(f"RuntimeInfo.health_field {name!r} is no name like acme_cli")
    if name in HealthReport.__annotations__:
        raise PluginError(f"RuntimeInfo.health_field {name} is a field of the server: use acme_cli")


def _check_runtime_names(names: Sequence[str]) -> None:
    for name in names:
        if not NAME.fullmatch(name):
            raise PluginError(f"its runtime's name {name!r} is no name like acme or acme-cli")
