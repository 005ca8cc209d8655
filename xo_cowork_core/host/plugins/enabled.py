"""Which plugins are enabled: `XO_PLUGINS`, the config file, drop-in files, else all."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.host.settings.sources import SettingError


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


def drop_in_files(settings: Settings) -> dict[Path, Mapping[str, object]]:
    """Read the drop-in files that count: none when the plugins are named elsewhere."""
    folders = (settings.plugins_dir, settings.state_dir / "plugins.d")
    files = [path for folder in folders for path in sorted(folder.glob("*.toml"))]
    return {} if settings.plugins else {path: _read(path) for path in files}


def _from_files(settings: Settings) -> tuple[str, ...] | None:
    files = drop_in_files(settings)
    return tuple(name for path in files for name in _names(path, files[path])) if files else None


def _read(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} can't be read as TOML: {error}") from error


def _names(path: Path, found: Mapping[str, object]) -> Sequence[str]:
    names = found.get("plugins", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingError(f'{path} must hold a list of names: plugins = ["runtime_acme"]')
    return names
