"""Declarations of a plugin's settings, which are not secret, and of its secrets."""

from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass


@frozen_dataclass
class Setting:
    """One setting of a plugin, read from the environment, else the TOML file, else `default`.

    `name` is in capitals, as in the environment. The host checks the value by `kind` and passes it
    on as a string. Kinds: `text`, `path`, `url` (http, https, ws, wss), `integer` (0 or more),
    `seconds` (above 0), `flag` (1/0, true/false, yes/no; passed on as `1` or `0`).
    """

    name: str
    help: str
    default: str = ""
    kind: str = "text"


@frozen_dataclass
class SecretField:
    """One secret of a plugin: an entry of its env file and a field of the form for it.

    `key` is the entry's name, `title` and `help` are for people, `pattern` is a regular
    expression with which the form checks its input; the host does not check it.
    """

    key: str
    title: str
    help: str = ""
    required: bool = False
    pattern: str | None = None
