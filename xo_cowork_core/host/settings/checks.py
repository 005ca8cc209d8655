"""What is wrong with the settings, though the server can run: said at start and by doctor."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.host.settings.unknown import find_unknown_settings
from xo_cowork_core.services.runtimes.registry import PluginRecord

ROOT = "XO_PROJECTS_ROOT"


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One such thing: the setting's name, and a sentence that names its place."""

    name: str
    state: str
    text: str


def check_settings(
    settings: Settings, plugins: Iterable[PluginRecord]
) -> Iterator[SettingsProblem]:
    """Look once. Raises `SettingError`."""
    for stray in find_unknown_settings(settings, plugins):
        yield SettingsProblem(stray.key, "unknown", stray.text)
    found = settings.source.find(ROOT)
    place = found.place if found else "its default"
    if why := _unusable_root(settings):
        yield SettingsProblem(
            ROOT, "failed", f"{ROOT}={settings.projects_root} (from {place}): {why}"
        )


def _unusable_root(settings: Settings) -> str:
    """Say why the root, or the nearest folder that is there, is of no use; nothing is made."""
    root = settings.projects_root
    there = next(path for path in (root, *root.parents) if os.path.lexists(path))
    if not there.is_dir():
        return f"{there} is no folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} can't be written"
