"""Keys in the settings' files that nothing reads, which are most often typing errors."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.host.plugins.enabled import read_drop_in_files
from xo_cowork_core.host.settings.model import Settings, setting_fields
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord


class UnknownSetting(NamedTuple):
    """One such key, its file, and the most similar known setting."""

    key: str
    file: Path
    suggestion: str | None

    @property
    def text(self) -> str:
        """The problem as one sentence."""
        suggestion = f"; did you mean {self.suggestion}?" if self.suggestion else ""
        return (
            f"{self.key} in {self.file} is not known to the server or a loaded plugin{suggestion}"
        )


def find_unknown_settings(
    settings: Settings, plugins: Iterable[PluginRecord]
) -> Sequence[UnknownSetting]:
    """Return the unknown keys of the config file and the drop-in files. Raises `SettingError`."""
    names = [field.name for _, field in setting_fields()]
    names += [setting.name for plugin in plugins for setting in plugin.contributions.settings]
    source = settings.source
    unknown = list(_unknown_keys(source.toml, source.toml_path, names))
    for path, entries in read_drop_in_files(settings).items():
        unknown += _unknown_keys(entries, path, ["plugins"])
    return unknown


def _unknown_keys(
    keys: Iterable[str], file: Path, names: Collection[str]
) -> Iterator[UnknownSetting]:
    spellings = {spelling: name for name in names for spelling in (name, name.lower())}
    for key in keys:
        if key not in spellings:
            yield UnknownSetting(key, file, _most_similar(key, spellings))


def _most_similar(key: str, spellings: dict[str, str]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415  # not needed for a normal start

    matches = get_close_matches(key, spellings, 1) or get_close_matches(key.upper(), spellings, 1)
    return spellings[matches[0]] if matches else None
