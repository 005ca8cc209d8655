"""Which plugins are enabled: `XO_PLUGINS`, the config file, drop-in files, else all."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.host.settings.sources import SettingError, parse_toml


def select_enabled_plugins(settings: Settings, installed: Collection[str]) -> tuple[str, ...]:
    """Return the names of the plugins to load, each once, in order. Raises `SettingError`."""
    names = settings.plugins or _names_from_drop_in_files(settings)
    if names is None or names == ("all",):
        return tuple(dict.fromkeys(installed))
    if names == ("none",):
        return ()
    if clash := {"all", "none"} & set(names):
        raise SettingError(f"XO_PLUGINS mixes {clash.pop()!r} with names: give one or the other")
    return tuple(dict.fromkeys(names))


def read_drop_in_files(settings: Settings) -> dict[Path, Mapping[str, object]]:
    """Read the drop-in files; none where `XO_PLUGINS` names the plugins. Raises `SettingError`."""
    if settings.plugins:
        return {}
    folders = (settings.plugins_dir, settings.state_dir / "plugins.d")
    files = [path for folder in folders for path in sorted(folder.glob("*.toml"))]
    return {path: _read_toml(path) for path in files}


def _names_from_drop_in_files(settings: Settings) -> tuple[str, ...] | None:
    files = read_drop_in_files(settings)
    if not files:
        return None
    return tuple(name for path, entries in files.items() for name in _plugin_names(path, entries))


def _read_toml(path: Path) -> Mapping[str, object]:
    try:
        return parse_toml(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} can't be read as TOML: {error}") from error


def _plugin_names(path: Path, entries: Mapping[str, object]) -> Sequence[str]:
    names = entries.get("plugins", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingError(f'{path} must hold a list of names: plugins = ["runtime_acme"]')
    return names
