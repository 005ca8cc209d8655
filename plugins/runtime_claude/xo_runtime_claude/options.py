"""The plugin's settings and secrets, and the environment that a process gets."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import SecretField, Setting, Turn
from xo_cowork_core.sdk.runtime.configuration import Provider

SETTINGS = (
    Setting("CLAUDE_CLI_PATH", "The claude executable; empty: searched for.", kind="path"),
    Setting("CLAUDE_TIMEOUT", "Seconds a turn may be silent.", "300", "seconds"),
    Setting("CLAUDE_TURN_LIMIT", "Seconds a turn may last in all.", "14400", "seconds"),
    Setting("CLAUDE_WARM_LIMIT", "Idle processes kept, about 0.2 GB each.", "4", "integer"),
    Setting("CLAUDE_IDLE_SECONDS", "Seconds until an idle process is ended.", "600", "seconds"),
    Setting(
        "CLAUDE_CONFIG_DIR", "Where Claude Code keeps its files; empty: ~/.claude.", kind="path"
    ),
)
SECRETS = (
    SecretField("ANTHROPIC_API_KEY", "Anthropic API key", "From the Anthropic console."),
    SecretField("ANTHROPIC_AUTH_TOKEN", "Bearer token", "For a gateway in front of the API."),
    SecretField(
        "CLAUDE_CODE_OAUTH_TOKEN", "Subscription token", "Printed by `claude setup-token`."
    ),
    SecretField("ANTHROPIC_BASE_URL", "API address", "For a gateway; empty: Anthropic's own."),
)
PROVIDERS = (Provider("anthropic", "Anthropic", "ANTHROPIC_API_KEY"),)
CREDENTIAL_NAMES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
PLACEHOLDERS = ("sk-ant-none", "none", "changeme")
QUIET_ENVIRONMENT = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_MAX_RETRIES": "3",
}
# Newer models get no task list without the first; the second has the whole list in each change.
TODO_ENVIRONMENT = {"CLAUDE_CODE_ENABLE_TODO_TOOLS": "1", "CLAUDE_CODE_ENABLE_TASKS": "0"}


class Options(NamedTuple):
    """The settings with their types; times are seconds."""

    binary: str
    silent_seconds: float
    turn_seconds: float
    warm_limit: int
    idle_seconds: float
    config: Path

    @property
    def has_own_config(self) -> bool:
        """Whether the config folder is not the CLI's default."""
        return self.config.name != ".claude"

    @property
    def user_file(self) -> Path:
        """The CLI's file with the user's MCP servers and what it knows of each project."""
        folder = self.config if self.has_own_config else self.config.parent
        return folder / ".claude.json"


def read_options(settings: Mapping[str, str], home: Path) -> Options:
    """Convert the checked settings; absent ones take their default."""
    values = {setting.name: setting.default for setting in SETTINGS} | dict(settings)
    config = values["CLAUDE_CONFIG_DIR"]
    return Options(
        binary=values["CLAUDE_CLI_PATH"],
        silent_seconds=float(values["CLAUDE_TIMEOUT"]),
        turn_seconds=float(values["CLAUDE_TURN_LIMIT"]),
        warm_limit=max(0, int(values["CLAUDE_WARM_LIMIT"])),
        idle_seconds=float(values["CLAUDE_IDLE_SECONDS"]),
        config=Path(config).expanduser() if config else home / ".claude",
    )


def is_credential(value: SecretStr | None) -> bool:
    """Return whether a value is a key and not empty or a placeholder."""
    text = value.get_secret_value().strip() if value else ""
    return bool(text) and not text.lower().startswith(PLACEHOLDERS)


def environment_of(turn: Turn, options: Options) -> dict[str, SecretStr | str]:
    """Lay a turn's environment over the defaults, without keys that are placeholders."""
    environment: dict[str, SecretStr | str] = {**QUIET_ENVIRONMENT, **TODO_ENVIRONMENT}
    if options.has_own_config:
        environment["CLAUDE_CONFIG_DIR"] = str(options.config)
    for key, value in turn.environment.items():
        if key not in CREDENTIAL_NAMES or is_credential(value):
            environment[key] = value
    return environment
