"""Problems with the settings that do not prevent the start; reported at start and by doctor."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.host.settings.unknown import find_unknown_settings
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord

PROJECTS_ROOT = "XO_PROJECTS_ROOT"


class SettingsProblem(NamedTuple):
    """One problem: the setting, `unknown` or `failed`, and a sentence that names its origin."""

    name: str
    state: str
    text: str


def check_settings(
    settings: Settings, plugins: Iterable[PluginRecord]
) -> Iterator[SettingsProblem]:
    """Yield unknown keys and an unusable projects root. Raises `SettingError`."""
    for unknown in find_unknown_settings(settings, plugins):
        yield SettingsProblem(unknown.key, "unknown", unknown.text)
    if reason := _why_unusable(settings):
        value = settings.source.find(PROJECTS_ROOT)
        origin = value.origin if value else "its default"
        text = f"{PROJECTS_ROOT}={settings.projects_root} (from {origin}): {reason}"
        yield SettingsProblem(PROJECTS_ROOT, "failed", text)


def _why_unusable(settings: Settings) -> str:
    """Return why the projects root, or its nearest existing parent, can't be used; else ""."""
    root = settings.projects_root
    existing = next(path for path in (root, *root.parents) if os.path.lexists(path))
    if not existing.is_dir():
        return f"{existing} is no folder"
    return "" if os.access(existing, os.W_OK | os.X_OK) else f"{existing} can't be written"
