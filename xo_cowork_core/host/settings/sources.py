"""Where settings come from: the environment, then one TOML file."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingError(ValueError):
    """One line for the person who starts the server: what is wrong, where, what is allowed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A raw value and the place it came from."""

    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Source:
    """Both places of one start; values keep the place they came from, for error lines."""

    environment: Mapping[str, str]
    toml: Mapping[str, object]
    toml_path: Path

    def find(self, name: str) -> Found | None:
        """Look a setting up. An empty environment variable counts as not set."""
        if text := self.environment.get(name, "").strip():
            return Found(text, "the environment")
        for key in (name, name.lower()):
            if key in self.toml:
                return Found(self._text(name, self.toml[key]), str(self.toml_path))
        return None

    def _text(self, name: str, value: object) -> str:
        if isinstance(value, bool):
            return "1" if value else "0"
        if isinstance(value, list):
            return ",".join(str(item) for item in value)
        if isinstance(value, (str, int, float)):
            return str(value)
        raise SettingError(
            f"{name} in {self.toml_path} must be a text, a number or a list of texts"
        )


def read_source(environment: Mapping[str, str], named: str, default: Path) -> Source:
    """Read the TOML file: the one that was `named`, which must exist, else the default one."""
    try:
        path = Path(named).expanduser() if named else default
    except RuntimeError as error:
        raise SettingError(f"XO_CONFIG={named!r} names the home of nobody here") from error
    try:
        toml = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if named:
            raise SettingError(f"XO_CONFIG names {path}, which does not exist") from None
        toml = {}
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} can't be read as TOML: {error}") from error
    return Source(dict(environment), toml, path)


def settle_home() -> None:
    """See to it that `~` means one folder, here and in agents. An empty HOME counts as not set,
    then the user's own is taken. Raises `SettingError`."""
    if not os.environ.get("HOME"):
        os.environ.pop("HOME", None)
        home = os.path.expanduser("~")  # noqa: PTH111  # it stays "~" for a user without one
        if not home.startswith("/"):
            raise SettingError(f"HOME is not set and the user {os.getuid()} has none: set HOME")
        os.environ["HOME"] = home
    elif not Path(os.environ["HOME"]).is_absolute():
        raise SettingError(f"HOME={os.environ['HOME']!r} must be an absolute path")


def process_environment() -> Mapping[str, str]:
    """Return the environment that this process was started with."""
    return dict(os.environ)
