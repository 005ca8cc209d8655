"""The settings of the core: environment first, then the TOML file, then the default.

The fields of `Settings` are the only table: the parser, `serve --help` and the documentation are
derived from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import SecretStr

from xo_cowork_core.host.middleware.origins import is_loopback
from xo_cowork_core.host.settings.sources import (
    SettingError,
    SettingsSource,
    SettingValue,
    environment_value,
    process_environment,
    read_source,
)
from xo_cowork_core.host.settings.types import SETTING_TYPES
from xo_cowork_core.sdk import Setting

WORKSPACE_HOME = Path("/home/coder")
SECRET_TYPES = frozenset({"secret", "webhook_url"})
PLUGIN_SETTING_TYPES = {"text", "path", "url", "integer", "seconds", "flag"}


class SettingField(NamedTuple):
    """One setting: its variable, the name of its `SettingType`, its default text and its help."""

    name: str
    type: str
    default: str
    help: str


# nothing compares or prints settings, and the methods for it take 1 ms of each start
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ServerSettings:
    """The settings of the server itself."""

    host: Annotated[str, SettingField("HOST", "host", "127.0.0.1", "Address to listen on.")]
    port: Annotated[int, SettingField("PORT", "port", "5002", "Port to listen on.")]
    stage: Annotated[
        Literal["local", "beta"],
        SettingField(
            "STAGE",
            "stage",
            "",
            "local: a person's machine; beta: a workspace image. Default: beta where /home/coder "
            "exists, else local.",
        ),
    ]
    agent_name: Annotated[
        str, SettingField("AGENT_NAME", "text", "", "Default runtime, for prompts that name none.")
    ]
    default_agent: Annotated[
        str,
        SettingField("DEFAULT_AGENT", "text", "", "Default runtime where AGENT_NAME is not set."),
    ]
    projects_root: Annotated[
        Path, SettingField("XO_PROJECTS_ROOT", "path", "~/xo-projects", "Folder of projects.")
    ]
    state_dir: Annotated[
        Path,
        SettingField(
            "XO_STATE_DIR", "path", "~/.xo-cowork", "Folder of the server's state, mode 0700."
        ),
    ]
    workspace_root: Annotated[
        Path,
        SettingField(
            "AI_WORKSPACE_ROOT",
            "path",
            "~",
            "Folder that holds a workspace; /home/coder in stage beta.",
        ),
    ]
    plugins: Annotated[
        tuple[str, ...],
        SettingField(
            "XO_PLUGINS", "list", "", "Plugins to load: names, all or none. Default: all installed."
        ),
    ]
    plugins_strict: Annotated[
        bool,
        SettingField("XO_PLUGINS_STRICT", "flag", "0", "Refuse to start when a plugin is broken."),
    ]
    plugins_dir: Annotated[
        Path,
        SettingField(
            "XO_PLUGINS_DIR",
            "path",
            "/etc/xo-cowork/plugins.d",
            "Drop-in files that enable plugins, in addition to <state>/plugins.d.",
        ),
    ]
    api_token: Annotated[
        SecretStr,
        SettingField(
            "XO_API_TOKEN",
            "secret",
            "",
            "Access token of the API; required when HOST is not loopback.",
        ),
    ]
    allowed_hosts: Annotated[
        tuple[str, ...],
        SettingField(
            "XO_ALLOWED_HOSTS", "hosts", "", "Host headers to accept, in addition to loopback."
        ),
    ]
    allowed_origins: Annotated[
        tuple[str, ...],
        SettingField(
            "XO_ALLOWED_ORIGINS",
            "origins",
            "",
            "CORS origins to allow, in addition to loopback and tauri://localhost.",
        ),
    ]
    public_url: Annotated[
        str,
        SettingField(
            "XO_PUBLIC_URL",
            "public_url",
            "",
            "Address under which browsers reach the server, for sign-ins that return to it. Its "
            "host name may stand in requests.",
        ),
    ]
    trust_forwarded: Annotated[
        bool,
        SettingField(
            "XO_TRUST_FORWARDED",
            "flag",
            "0",
            "Take that address from X-Forwarded-Host and X-Forwarded-Proto. Only behind a proxy "
            "that sets both.",
        ),
    ]
    wire_style: Annotated[
        Literal["docs", "spa"],
        SettingField(
            "XO_WIRE_STYLE",
            "wire",
            "",
            "Shape of five response bodies: docs (as documented) in stage local, spa in beta.",
        ),
    ]
    permission_mode: Annotated[
        Literal["ask", "accept_edits", "bypass"],
        SettingField(
            "XO_PERMISSION_MODE",
            "permission",
            "",
            "Default permission mode of agents: ask in stage local, bypass in beta.",
        ),
    ]
    permission_timeout: Annotated[
        float,
        SettingField(
            "XO_PERMISSION_TIMEOUT",
            "seconds",
            "300",
            "Time after which an unanswered permission request is denied.",
        ),
    ]
    ollama_url: Annotated[
        str,
        SettingField(
            "XO_OLLAMA_URL",
            "loopback_url",
            "http://127.0.0.1:11434",
            "Address of Ollama on this machine, for tests and other ports.",
        ),
    ]
    config: Annotated[
        str,
        SettingField(
            "XO_CONFIG", "text", "", "TOML file of settings. Default: <state>/config.toml."
        ),
    ]
    log_level: Annotated[
        str, SettingField("XO_LOG_LEVEL", "level", "info", "Minimum severity of log messages.")
    ]

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    def base_url(self, port: int) -> str:
        """Return the address of the server on a port, as this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def env_file(self) -> Path:
        """The env file of every plugin that names none of its own."""
        return self.state_dir / "env"

    @property
    def default_runtime(self) -> str:
        """The runtime of prompts that name none; empty: the first that is ready."""
        return self.agent_name or self.default_agent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Settings(ServerSettings):
    """Every setting of the core, parsed: those of the server, and those of the XO service.

    `source` answers look-ups of plugins' settings.
    """

    identity_url: Annotated[
        str,
        SettingField(
            "CHAT_API_BASE_URL",
            "public_url",
            "",
            "Address of the XO service: sign-in, messages of the older chat, daily usage. Empty: "
            "nothing is sent anywhere.",
        ),
    ]
    identity_key: Annotated[
        SecretStr,
        SettingField(
            "XO_API_KEY", "secret", "", "Key for that service, used instead of a sign-in."
        ),
    ]
    identity_session_id: Annotated[
        str,
        SettingField(
            "XO_AUTH_SESSION_ID",
            "text",
            "",
            "A browser sign-in that the server consumes once at start.",
        ),
    ]
    identity_poll_token: Annotated[
        SecretStr, SettingField("XO_POLL_TOKEN", "secret", "", "The poll token of that sign-in.")
    ]
    identity_start_path: Annotated[
        str,
        SettingField(
            "XO_AUTH_START_PATH",
            "url_path",
            "/auth/browser/start",
            "Path at the XO service that starts a browser sign-in.",
        ),
    ]
    identity_status_path: Annotated[
        str,
        SettingField(
            "XO_AUTH_STATUS_PATH",
            "url_path",
            "/auth/browser/status",
            "Path of the state of a browser sign-in; its id is appended.",
        ),
    ]
    identity_consume_path: Annotated[
        str,
        SettingField(
            "XO_AUTH_CONSUME_PATH",
            "url_path",
            "/auth/browser/consume",
            "Path that exchanges an approved sign-in for tokens.",
        ),
    ]
    identity_refresh_path: Annotated[
        str,
        SettingField(
            "XO_AUTH_REFRESH_PATH",
            "url_path",
            "/auth/browser/refresh",
            "Path that exchanges a refresh token for new tokens.",
        ),
    ]
    identity_user_id_path: Annotated[
        str,
        SettingField(
            "XO_GET_USER_ID_PATH",
            "url_path",
            "/get-user-id",
            "Path that says whose token it is.",
        ),
    ]
    usage_sync_hour: Annotated[
        int,
        SettingField(
            "USAGE_SYNC_HOUR_UTC",
            "hour",
            "2",
            "Hour of the day, in UTC, from which the usage of the day before is reported.",
        ),
    ]
    webhook_url: Annotated[
        SecretStr,
        SettingField("XO_WEBHOOK_URL", "webhook_url", "", "Address that gets signed notices."),
    ]
    webhook_secret: Annotated[
        SecretStr, SettingField("XO_WEBHOOK_SECRET", "secret", "", "Key that signs them.")
    ]
    source: SettingsSource


def setting_fields() -> Iterator[tuple[str, SettingField]]:
    """Yield each attribute of `Settings` that is a setting, with its field."""
    for attribute in fields(Settings):
        for field in getattr(attribute.type, "__metadata__", ()):
            yield attribute.name, field


def read_settings(
    environment: Mapping[str, str] | None = None, *, require_token: bool = True
) -> Settings:
    """Read every setting. Raises `SettingError` with one line for the first invalid value.

    Commands that open no port pass `require_token=False`: an image is checked without a token.
    """
    variables = process_environment() if environment is None else environment
    state_dir = _parse(
        SettingField("XO_STATE_DIR", "path", "~/.xo-cowork", ""),
        environment_value(variables, "XO_STATE_DIR"),
    )
    config_file = variables.get("XO_CONFIG", "").strip()
    source = read_source(variables, config_file, default=state_dir / "config.toml")
    values = {name: _parse(field, source.find(field.name)) for name, field in setting_fields()}
    settings = Settings(**_with_stage_defaults(values, source), source=source)
    if require_token and not settings.loopback and not settings.api_token.get_secret_value():
        raise SettingError(
            f"HOST={settings.host} can be reached from other machines: set XO_API_TOKEN, "
            "or HOST=127.0.0.1"
        )
    if settings.webhook_url.get_secret_value() and not settings.webhook_secret.get_secret_value():
        raise SettingError("XO_WEBHOOK_URL needs XO_WEBHOOK_SECRET, which signs what is sent there")
    return settings


def read_plugin_settings(source: SettingsSource, declared: Sequence[Setting]) -> dict[str, str]:
    """Check a plugin's settings and return them as texts. Raises `SettingError`."""
    values: dict[str, str] = {}
    for setting in declared:
        if setting.kind not in PLUGIN_SETTING_TYPES:
            raise SettingError(f"{setting.name} is declared with the unknown kind {setting.kind!r}")
        value = _parse(plugin_setting_field(setting), source.find(setting.name))
        values[setting.name] = ("1" if value else "0") if isinstance(value, bool) else str(value)
    return values


def plugin_setting_field(setting: Setting) -> SettingField:
    """Return the field of a setting that a plugin declares."""
    return SettingField(setting.name, setting.kind, setting.default, setting.help)


def _parse(field: SettingField, value: SettingValue | None) -> Any:
    text = value.text if value else field.default
    if not text:
        return _empty_value(field.type)
    setting_type = SETTING_TYPES[field.type]
    try:
        return setting_type.parse(text)
    except ValueError:
        origin = value.origin if value else "its default"
        # an address may have a password before its "@"
        shown = "" if field.type in SECRET_TYPES or "@" in text else f"={text!r}"
        raise SettingError(
            f"{field.name}{shown} (from {origin}) is not allowed: "
            f"it must be {setting_type.description}"
        ) from None


def _empty_value(type_name: str) -> Any:
    if type_name in {"list", "hosts", "origins"}:
        return ()
    return SecretStr("") if type_name in SECRET_TYPES else ""


def _with_stage_defaults(values: dict[str, Any], source: SettingsSource) -> dict[str, Any]:
    stage = values["stage"] or ("beta" if WORKSPACE_HOME.is_dir() else "local")
    is_image = stage == "beta"
    workspace_root = values["workspace_root"]
    if is_image and source.find("AI_WORKSPACE_ROOT") is None:
        workspace_root = WORKSPACE_HOME
    permission_mode = values["permission_mode"] or ("bypass" if is_image else "ask")
    wire_style = values["wire_style"] or ("spa" if is_image else "docs")
    return {
        **values,
        "stage": stage,
        "workspace_root": workspace_root,
        "permission_mode": permission_mode,
        "wire_style": wire_style,
    }
