"""What a plugin needs to be told: settings (not secret) and secrets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a plugin, read from the environment, then the TOML file, then `default`.

    `name` is in capitals, as in the environment. `kind` checks the value before the plugin sees
    it (as a string): `text`, `path`, `url` (http, https, ws, wss), `integer` (0 or more),
    `seconds` (above 0) or `flag` (1/0, true/false, yes/no).
    """

    name: str
    help: str
    default: str = ""
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class SecretField:
    """One secret of a plugin: an entry of its env file, an input of the form that asks for it."""

    key: str
    title: str
    help: str = ""
    required: bool = False
    pattern: str | None = None
