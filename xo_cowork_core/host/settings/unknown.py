"""Keys in the settings' files that nothing reads: most often a slip of the pen."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.host.plugins.enabled import drop_in_files
from xo_cowork_core.host.settings.model import Settings, table
from xo_cowork_core.services.runtimes.registry import PluginRecord


@dataclass(frozen=True, slots=True)
class UnknownSetting:
    """One such key, and the setting that may have been meant."""

    key: str
    file: Path
    meant: str | None

    @property
    def text(self) -> str:
        """What is wrong, as a sentence."""
        meant = f"; did you mean {self.meant}?" if self.meant else ""
        return f"{self.key} in {self.file} is not known to the server or a loaded plugin{meant}"


def find_unknown_settings(
    settings: Settings, plugins: Iterable[PluginRecord]
) -> Sequence[UnknownSetting]:
    """Look through the config file and the drop-in files. Raises `SettingError`."""
    names = [row.name for _, row in table()]
    names += [setting.name for plugin in plugins for setting in plugin.claims.settings]
    source = settings.source
    found = list(_strays(source.toml, source.toml_path, names))
    for path, entries in drop_in_files(settings).items():
        found += _strays(entries, path, ["plugins"])
    return found


def _strays(keys: Iterable[str], file: Path, names: Collection[str]) -> Iterator[UnknownSetting]:
    from difflib import get_close_matches  # noqa: PLC0415  # the start pays for what it needs

    spelt = {form: name for name in names for form in (name, name.lower())}
    for key in keys:
        if key not in spelt:
            close = get_close_matches(key, spelt, 1) or get_close_matches(key.upper(), spelt, 1)
            yield UnknownSetting(key, file, spelt[close[0]] if close else None)
