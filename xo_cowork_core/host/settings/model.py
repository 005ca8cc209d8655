"""Settings: environment first, then the TOML file, then the default.

The fields of `Settings` are the one table: what parses, what `serve --help` prints and what the
docs list all come from it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import SecretStr

from xo_cowork_core.host.middleware.origins import is_loopback
from xo_cowork_core.host.settings.sources import (
    Found,
    SettingError,
    Source,
    process_environment,
    read_source,
)
from xo_cowork_core.host.settings.types import KINDS
from xo_cowork_core.sdk import Setting

WORKSPACE_HOME = Path("/home/coder")
PLUGIN_KINDS = {"text", "path", "url", "integer", "seconds", "flag"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    kind: str
    default: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the core can be told."""

    host: Annotated[str, Row("HOST", "host", "127.0.0.1", "Address to listen on.")]
    port: Annotated[int, Row("PORT", "port", "5002", "Port to listen on.")]
    stage: Annotated[
        Literal["local", "beta"],
        Row(
            "STAGE",
            "stage",
            "",
            "local: a person's machine; beta: a workspace image. Default: beta where /home/coder "
            "exists, else local.",
        ),
    ]
    agent_name: Annotated[str, Row("AGENT_NAME", "text", "", "Runtime of prompts that name none.")]
    default_agent: Annotated[
        str, Row("DEFAULT_AGENT", "text", "", "The same, when AGENT_NAME is not set.")
    ]
    projects_root: Annotated[
        Path, Row("XO_PROJECTS_ROOT", "path", "~/xo-projects", "Folder of projects.")
    ]
    state_dir: Annotated[
        Path, Row("XO_STATE_DIR", "path", "~/.xo-cowork", "Folder of the server's own state, 0700.")
    ]
    workspace_root: Annotated[
        Path,
        Row(
            "AI_WORKSPACE_ROOT",
            "path",
            "~",
            "Folder that holds a workspace; /home/coder in stage beta.",
        ),
    ]
    plugins: Annotated[
        tuple[str, ...],
        Row(
            "XO_PLUGINS", "list", "", "Plugins to load: names, all or none. Default: all installed."
        ),
    ]
    plugins_strict: Annotated[
        bool, Row("XO_PLUGINS_STRICT", "flag", "0", "Let the first broken plugin stop the start.")
    ]
    plugins_dir: Annotated[
        Path,
        Row(
            "XO_PLUGINS_DIR",
            "path",
            "/etc/xo-cowork/plugins.d",
            "Drop-in files of image layers that name plugins; beside <state>/plugins.d.",
        ),
    ]
    api_token: Annotated[
        SecretStr,
        Row("XO_API_TOKEN", "secret", "", "Inbound token; required when HOST is not loopback."),
    ]
    allowed_hosts: Annotated[
        tuple[str, ...],
        Row(
            "XO_ALLOWED_HOSTS", "hosts", "", "Host names that requests may carry, beside loopback."
        ),
    ]
    allowed_origins: Annotated[
        tuple[str, ...],
        Row(
            "XO_ALLOWED_ORIGINS",
            "origins",
            "",
            "Web origins that may call, beside loopback and tauri://localhost.",
        ),
    ]
    wire_style: Annotated[
        Literal["docs", "spa"],
        Row(
            "XO_WIRE_STYLE", "wire", "docs", "Shape of the five bodies that frontends disagree on."
        ),
    ]
    permission_mode: Annotated[
        Literal["ask", "accept_edits", "bypass"],
        Row(
            "XO_PERMISSION_MODE",
            "permission",
            "",
            "What agents ask before they act. Default: ask in stage local, bypass in beta.",
        ),
    ]
    permission_timeout: Annotated[
        float,
        Row(
            "XO_PERMISSION_TIMEOUT",
            "seconds",
            "300",
            "An unanswered permission is denied after this.",
        ),
    ]
    config: Annotated[
        str, Row("XO_CONFIG", "text", "", "TOML file of settings. Default: <state>/config.toml.")
    ]
    log_level: Annotated[str, Row("XO_LOG_LEVEL", "level", "info", "Least severe level to log.")]
    source: Source

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def default_runtime(self) -> str:
        """The runtime of prompts that name none; empty: the first that is ready."""
        return self.agent_name or self.default_agent


def table() -> Iterator[tuple[str, Row]]:
    """Yield every field of `Settings` that is a setting, with its row."""
    for found in fields(Settings):
        for row in getattr(found.type, "__metadata__", ()):
            yield found.name, row


def read_settings(
    environment: Mapping[str, str] | None = None, *, listens: bool = True
) -> Settings:
    """Read everything. Raises `SettingError` with one line for the first wrong value.

    What only looks, and never `listens`, needs no token: an image is checked without one.
    """
    given = process_environment() if environment is None else environment
    state = _value(Row("XO_STATE_DIR", "path", "~/.xo-cowork", ""), _given(given, "XO_STATE_DIR"))
    source = read_source(given, given.get("XO_CONFIG", "").strip(), state / "config.toml")
    values = {name: _value(row, source.find(row.name)) for name, row in table()}
    settings = Settings(**_stage_defaults(values, source), source=source)
    if listens and not settings.loopback and not settings.api_token.get_secret_value():
        raise SettingError(
            f"HOST={settings.host} can be reached from other machines: set XO_API_TOKEN, "
            "or HOST=127.0.0.1"
        )
    return settings


def read_plugin_settings(source: Source, declared: tuple[Setting, ...]) -> dict[str, str]:
    """Check a plugin's settings and return them as texts. Raises `SettingError`."""
    values: dict[str, str] = {}
    for setting in declared:
        row = Row(setting.name, setting.kind, setting.default, setting.help)
        if setting.kind not in PLUGIN_KINDS:
            raise SettingError(f"{setting.name} is declared with the unknown kind {setting.kind!r}")
        value = _value(row, source.find(row.name))
        values[row.name] = ("1" if value else "0") if isinstance(value, bool) else str(value)
    return values


def _value(row: Row, found: Found | None) -> Any:
    text = found.text if found else row.default
    if not text:
        return _empty(row.kind)
    kind = KINDS[row.kind]
    try:
        return kind.read(text)
    except ValueError:
        place = found.place if found else "its default"
        shown = "" if row.kind == "secret" else f"={text!r}"
        raise SettingError(
            f"{row.name}{shown} (from {place}) is not allowed: it must be {kind.allowed}"
        ) from None


def _empty(kind: str) -> Any:
    if kind in {"list", "hosts", "origins"}:
        return ()
    return SecretStr("") if kind == "secret" else ""


def _given(environment: Mapping[str, str], name: str) -> Found | None:
    text = environment.get(name, "").strip()
    return Found(text, "the environment") if text else None


def _stage_defaults(values: dict[str, Any], source: Source) -> dict[str, Any]:
    stage = values["stage"] or ("beta" if WORKSPACE_HOME.is_dir() else "local")
    beta = stage == "beta"
    if beta and source.find("AI_WORKSPACE_ROOT") is None:
        values["workspace_root"] = WORKSPACE_HOME
    mode = values["permission_mode"] or ("bypass" if beta else "ask")
    return values | {"stage": stage, "permission_mode": mode}
