"""How Claude Code is started: settings, arguments, environment, and what a live process fixes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk import SecretField, Setting, Turn

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
CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
PLACEHOLDERS = ("sk-ant-none", "none", "changeme")
EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_MAX_RETRIES": "3",
}
# Newer models get no task list unless they are asked to keep one, and others tell theirs change by
# change: this one is told whole each time.
TODOS = {"CLAUDE_CODE_ENABLE_TODO_TOOLS": "1", "CLAUDE_CODE_ENABLE_TASKS": "0"}
STREAM = ("-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages")
WARM = ("--input-format", "stream-json", "--permission-prompt-tool", "stdio")


@dataclass(frozen=True, slots=True)
class Options:
    """The plugin's settings, typed."""

    binary: str
    silent_seconds: float
    turn_seconds: float
    warm_limit: int
    idle_seconds: float
    config: Path

    @property
    def own_config(self) -> bool:
        """Say whether the config folder isn't the CLI's default."""
        return self.config.name != ".claude"


def read_options(settings: Mapping[str, str], home: Path) -> Options:
    """Type the checked settings; what is absent takes its default."""
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
    """Tell a key from an empty value or a placeholder."""
    text = value.get_secret_value().strip() if value else ""
    return bool(text) and not text.lower().startswith(PLACEHOLDERS)


def environment_of(turn: Turn, options: Options) -> dict[str, SecretStr | str]:
    """Lay a turn's environment over the quiet defaults; placeholders of keys are left out."""
    wanted: dict[str, SecretStr | str] = {**QUIET, **TODOS}
    if options.own_config:
        wanted["CLAUDE_CONFIG_DIR"] = str(options.config)
    for key, value in turn.environment.items():
        if key not in CREDENTIALS or is_credential(value):
            wanted[key] = value
    return wanted


@dataclass(frozen=True, slots=True)
class Fixed:
    """What can't change while a process lives. The environment is kept as a digest."""

    cwd: Path
    effort: str
    environment: str


def fixed_by(turn: Turn, environment: Mapping[str, SecretStr | str]) -> Fixed:
    """Say what a process for this turn is bound to."""
    digest = hashlib.sha256()
    for key, value in sorted(environment.items()):
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        digest.update(f"{key}={plain}\0".encode("utf-8", "replace"))
    return Fixed(turn.cwd, effort_of(turn), digest.hexdigest())


def effort_of(turn: Turn) -> str:
    """Return the CLI's effort level for a turn's `reasoning`; unknown words count as none."""
    word = (turn.reasoning or "").strip().lower()
    return word if word in EFFORTS else ""


def session_arguments(session_id: str, *, resume: bool, cut: str | None = None) -> list[str]:
    """Start a session under our id, go on with it, or go on from `cut`, a row of its file."""
    if not resume:
        return ["--session-id", session_id]
    return ["--resume", session_id, *(["--resume-session-at", cut] if cut else [])]


def warm_arguments(turn: Turn, session: Sequence[str]) -> list[str]:
    """Arguments of a process that stays for further turns."""
    effort = effort_of(turn)
    return [*STREAM, *WARM, *session, *(["--effort", effort] if effort else [])]


def cold_arguments(turn: Turn, session: Sequence[str]) -> list[str]:
    """Arguments of a process for one turn, which can't ask: what isn't allowed is refused."""
    arguments = [*STREAM, *session]
    if turn.model:
        arguments += ["--model", turn.model]
    if turn.mode == "plan":
        arguments += ["--permission-mode", "plan"]
    elif turn.permissions.file_changes == "allow":
        arguments += ["--permission-mode", "acceptEdits"]
    if turn.permissions.run_commands == "allow":
        arguments += ["--allowedTools", "Bash"]
    return arguments
