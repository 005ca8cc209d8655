"""The app of the settings, built without starting anything: for commands that open no port."""

from collections.abc import Sequence
from typing import cast

from fastapi import FastAPI

from xo_cowork_core.api.dependencies import Services
from xo_cowork_core.host.app import create_app, load_plugins
from xo_cowork_core.host.plugins.preflight import CheckedPlugin, check_plugin
from xo_cowork_core.host.services import build_services
from xo_cowork_core.host.settings.model import read_settings
from xo_cowork_core.host.settings.unknown import find_unknown_settings
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord


def build_unstarted_app() -> FastAPI:
    """Build the app of the process's settings. Raises `SettingError`."""
    return create_app(read_settings(require_token=False))


def check_plugins() -> tuple[list[CheckedPlugin], list[str]]:
    """Load every enabled plugin and return it with its problems, and those of the settings' files.

    Raises `SettingError`.
    """
    settings = read_settings(require_token=False)
    state = build_services(settings)
    loaded = {plugin.record.name: plugin for plugin in load_plugins(settings, state)}
    records = state.services.registry.plugins
    plugins = [
        check_plugin(loaded[name]) if name in loaded else CheckedPlugin(record, [])
        for name, record in records.items()
    ]
    unknown = find_unknown_settings(settings, records.values())
    return plugins, [each.text for each in unknown]


def load_plugin_records() -> Sequence[PluginRecord]:
    """Return the record of each plugin after its import and its wiring hooks."""
    services = cast("Services", build_unstarted_app().state.services)
    return list(services.registry.plugins.values())
