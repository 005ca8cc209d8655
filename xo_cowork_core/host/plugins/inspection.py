"""The app of the settings, built without starting anything: for commands that open no port."""

from collections.abc import Sequence
from typing import cast

from fastapi import FastAPI

from xo_cowork_core.api.dependencies import Services
from xo_cowork_core.host.app import create_app
from xo_cowork_core.host.settings.model import read_settings
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord


def build_unstarted_app() -> FastAPI:
    """Build the app of the process's settings. Raises `SettingError`."""
    return create_app(read_settings(require_token=False))


def load_plugin_records() -> Sequence[PluginRecord]:
    """Return the record of each plugin after its import and its wiring hooks."""
    services = cast("Services", build_unstarted_app().state.services)
    return list(services.registry.plugins.values())
