"""The sources of settings: the process environment, then one TOML file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class SettingError(ValueError):
    """A setting is invalid; the text is one line: which one, where it was set, what is allowed."""


class SettingValue(NamedTuple):
    """The raw text of one setting. `origin` names its source in error messages."""

    text: str
    origin: str


class SettingsSource(NamedTuple):
    """Both sources, as read at one start."""

    environment: Mapping[str, str]
    toml: Mapping[str, object]
    toml_path: Path

    def find(self, name: str) -> SettingValue | None:
        """Return a setting's raw value, from the environment first; None where it is not set."""
        if value := environment_value(self.environment, name):
            return value
        for key in (name, name.lower()):
            if key in self.toml:
                return SettingValue(self._toml_text(name, self.toml[key]), str(self.toml_path))
        return None

    def _toml_text(self, name: str, value: object) -> str:
        if isinstance(value, bool):
            return "1" if value else "0"
        if isinstance(value, list):
            return ",".join(str(item) for item in value)
        if isinstance(value, (str, int, float)):
            return str(value)
        raise SettingError(
            f"{name} in {self.toml_path} must be a text, a number or a list of texts"
        )


def environment_value(environment: Mapping[str, str], name: str) -> SettingValue | None:
    """Return a variable's value. An empty variable counts as not set."""
    text = environment.get(name, "").strip()
    return SettingValue(text, "the environment") if text else None


def read_source(
    environment: Mapping[str, str], config_file: str, *, default: Path
) -> SettingsSource:
    """Read `config_file`, which must exist where it is given, else the file `default`.

    Raises `SettingError`.
    """
    try:
        path = Path(config_file).expanduser() if config_file else default
    except RuntimeError as error:
        raise SettingError(
            f"XO_CONFIG={config_file!r} names the home of a user who does not exist"
        ) from error
    try:
        toml = parse_toml(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if config_file:
            raise SettingError(f"XO_CONFIG names {path}, which does not exist") from None
        toml = {}
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} can't be read as TOML: {error}") from error
    return SettingsSource(dict(environment), toml, path)


def parse_toml(text: str) -> dict[str, object]:
    """Parse a settings file. Raises ValueError."""
    import tomllib  # noqa: PLC0415 - most servers have no such file

    return tomllib.loads(text)


def normalize_home() -> None:
    """Set HOME to an absolute path, so that `~` means one folder here and in every agent.

    An empty HOME counts as not set; the user's home from the password database is used then.
    Raises `SettingError`.
    """
    if not os.environ.get("HOME"):
        os.environ.pop("HOME", None)
        home = os.path.expanduser("~")  # noqa: PTH111  # it stays "~" for a user without one
        if not home.startswith("/"):
            raise SettingError(f"HOME is not set and the user {os.getuid()} has none: set HOME")
        os.environ["HOME"] = home
    elif not Path(os.environ["HOME"]).is_absolute():
        raise SettingError(f"HOME={os.environ['HOME']!r} must be an absolute path")


def process_environment() -> Mapping[str, str]:
    """Return a copy of this process's environment."""
    return dict(os.environ)
