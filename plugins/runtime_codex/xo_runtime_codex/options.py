"""Settings, secrets, command-line arguments and environment of Codex."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import SecretField, Setting, Turn
from xo_cowork_core.sdk.kit import TurnLimits
from xo_cowork_core.sdk.runtime.configuration import Provider

SETTINGS = (
    Setting("CODEX_CLI_PATH", "The codex executable; empty: searched for.", kind="path"),
    Setting("CODEX_TIMEOUT", "Seconds a turn may be silent.", "300", "seconds"),
    Setting("CODEX_TURN_LIMIT", "Seconds a turn may last in all.", "14400", "seconds"),
    Setting("CODEX_RETRY_SECONDS", "Seconds a turn may try to reach its model.", "60", "seconds"),
    Setting("CODEX_IDLE_SECONDS", "Seconds until an idle server is ended.", "900", "seconds"),
    Setting("CODEX_SERVER_LIMIT", "Servers at a time, about 0.15 GB each.", "3", "integer"),
    Setting("CODEX_LOGIN_ISSUER", "Another issuer of sign-ins; empty: OpenAI's.", kind="url"),
    Setting("CODEX_PACKAGE", "The npm package installed on request.", "@openai/codex@0.169.0"),
    Setting("CODEX_HOME", "Where Codex keeps its files; empty: ~/.codex.", kind="path"),
)
SECRETS = (
    SecretField("OPENAI_API_KEY", "OpenAI API key", "Used when Codex has no sign-in."),
    SecretField("CODEX_API_KEY", "Codex API key", "Used before any other sign-in."),
)
PROVIDERS = (Provider("openai", "OpenAI", "OPENAI_API_KEY"),)
EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"})
PLACEHOLDERS = ("sk-none", "none", "changeme")
SWITCHED_OFF = (
    # a goal makes Codex start turns itself, which no stream shows and no abort reaches
    "-c",
    "features.goals=false",
    # a snapshot is a file with the whole environment, keys included, that others may read
    "-c",
    "features.shell_snapshot=false",
)
SERVER = (
    "app-server",
    # questions outside plan mode; off by default
    "-c",
    "features.default_mode_request_user_input=true",
    *SWITCHED_OFF,
    # an unloaded thread is free at once for another server or a terminal
    "-c",
    "thread_unload_delay_secs=0",
    "-c",
    "check_for_update_on_startup=false",
)
IN_MEMORY = ("-c", "cli_auth_credentials_store=ephemeral")


class Options(NamedTuple):
    """The plugin's settings, typed."""

    binary: str
    silent_seconds: float
    turn_seconds: float
    retry_seconds: float
    idle_seconds: float
    server_limit: int
    home: Path
    own_home: bool
    issuer: str
    package: str

    @property
    def limits(self) -> TurnLimits:
        """The time limits of one turn."""
        return TurnLimits(self.silent_seconds, self.turn_seconds, self.retry_seconds)


def read_options(settings: Mapping[str, str], home: Path) -> Options:
    """Convert the checked settings; absent ones take their default."""
    values = {setting.name: setting.default for setting in SETTINGS} | dict(settings)
    own = values["CODEX_HOME"]
    return Options(
        binary=values["CODEX_CLI_PATH"],
        silent_seconds=float(values["CODEX_TIMEOUT"]),
        turn_seconds=float(values["CODEX_TURN_LIMIT"]),
        retry_seconds=float(values["CODEX_RETRY_SECONDS"]),
        idle_seconds=float(values["CODEX_IDLE_SECONDS"]),
        server_limit=max(1, int(values["CODEX_SERVER_LIMIT"])),
        home=Path(own).expanduser() if own else home / ".codex",
        own_home=bool(own),
        issuer=values["CODEX_LOGIN_ISSUER"],
        package=values["CODEX_PACKAGE"],
    )


def is_credential(value: SecretStr | None) -> bool:
    """Return whether a value is a key, not empty and no placeholder."""
    text = value.get_secret_value().strip() if value else ""
    return bool(text) and not text.lower().startswith(PLACEHOLDERS)


def environment_of(
    secrets: Mapping[str, SecretStr], options: Options
) -> dict[str, SecretStr | str]:
    """Return Codex's environment, without placeholder keys."""
    keys = {secret.key for secret in SECRETS}
    result: dict[str, SecretStr | str] = {
        key: value for key, value in secrets.items() if key not in keys or is_credential(value)
    }
    if options.own_home:
        result["CODEX_HOME"] = str(options.home)
    return result


def fingerprint(environment: Mapping[str, SecretStr | str]) -> str:
    """Return a digest that identifies an environment without revealing it."""
    digest = hashlib.sha256()
    for key, value in sorted(environment.items()):
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        digest.update(f"{key}={plain}\0".encode("utf-8", "replace"))
    return digest.hexdigest()


def api_key_of(secrets: Mapping[str, SecretStr], *, signed_in: bool) -> SecretStr | None:
    """Return the key to sign a server in with; None to use Codex's own sign-in."""
    for key in ("CODEX_API_KEY",) if signed_in else ("CODEX_API_KEY", "OPENAI_API_KEY"):
        if is_credential(secrets.get(key)):
            return secrets[key]
    return None


def effort_of(turn: Turn) -> str | None:
    """Return Codex's reasoning effort for a turn; None for unknown words."""
    word = (turn.reasoning or "").strip().lower()
    return word if word in EFFORTS else None
