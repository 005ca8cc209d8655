"""Which plugins are enabled: `XO_PLUGINS`, the config file, drop-in files, else all."""

import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path

from xo_cowork_core.host.settings import Settings
from xo_cowork_core.host.sources import SettingError


def enabled_names(settings: Settings, installed: Collection[str]) -> tuple[str, ...]:
    """Return the names to load, each once, in order."""
    named = settings.plugins or _from_files(settings)
    if named is None or named == ("all",):
        return tuple(dict.fromkeys(installed))
    if named == ("none",):
        return ()
    if clash := {"all", "none"} & set(named):
        raise SettingError(f"XO_PLUGINS mixes {clash.pop()!r} with names: give one or the other")
    return tuple(dict.fromkeys(named))


def _from_files(settings: Settings) -> tuple[str, ...] | None:
    folders = (settings.plugins_dir, settings.state_dir / "plugins.d")
    files = [path for folder in folders for path in sorted(folder.glob("*.toml"))]
    return tuple(name for path in files for name in _names(path)) if files else None


def _names(path: Path) -> Sequence[str]:
    try:
        names = tomllib.loads(path.read_text("utf-8")).get("plugins", [])
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} can't be read as TOML: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingError(f'{path} must hold a list of names: plugins = ["runtime_acme"]')
    return names
