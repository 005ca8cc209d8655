"""Settings, secrets and addresses of the gateway."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from xo_cowork_core.sdk import SecretField, Setting
from xo_cowork_core.sdk.runtime.configuration import Provider

TOKEN_KEY = "OPENCLAW_GATEWAY_TOKEN"  # noqa: S105 - the name of a key, not a secret
ENV_FILE = "~/.openclaw/.env"
SETTINGS = (
    Setting(
        "OPENCLAW_GATEWAY_URL", "The gateway's WebSocket address.", "ws://127.0.0.1:18789", "url"
    ),
    Setting(
        "OPENCLAW_API_URL", "The gateway's HTTP address; empty: the same host and port.", kind="url"
    ),
    Setting("OPENCLAW_TIMEOUT", "Seconds a turn may make no progress.", "300", "seconds"),
    Setting("XO_OPENCLAW_MANAGE", "Start, supervise and stop the gateway.", "0", "flag"),
    Setting("OPENCLAW_CLI_PATH", "The openclaw executable; empty: searched for.", kind="path"),
    Setting(
        "OPENCLAW_CONFIG_PATH", "OpenClaw's configuration; empty: its usual place.", kind="path"
    ),
)
SECRETS = (
    SecretField(TOKEN_KEY, "Gateway token", "Full access to the gateway: treat it as a password."),
    SecretField("ANTHROPIC_API_KEY", "Anthropic API key"),
    SecretField("OPENAI_API_KEY", "OpenAI API key"),
    SecretField("GEMINI_API_KEY", "Google Gemini API key"),
    SecretField("OPENROUTER_API_KEY", "OpenRouter API key"),
)
PROVIDERS = (
    Provider("anthropic", "Anthropic", "ANTHROPIC_API_KEY"),
    Provider("openai", "OpenAI", "OPENAI_API_KEY"),
    Provider("google", "Google Gemini", "GEMINI_API_KEY"),
    Provider("openrouter", "OpenRouter", "OPENROUTER_API_KEY"),
)
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})


class Options(NamedTuple):
    """The plugin's settings. `home` is OpenClaw's folder, `config` its configuration file."""

    ws_url: str
    http_url: str
    silent_seconds: float
    manage: bool
    binary: str
    home: Path
    config: Path

    @property
    def port(self) -> int:
        """The port of the gateway."""
        return urlsplit(self.ws_url).port or 18789

    @property
    def loopback(self) -> bool:
        """True when the gateway is on this machine."""
        host = urlsplit(self.ws_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host in LOOPBACK_NAMES


def read_options(settings: Mapping[str, str], home: Path) -> Options:
    """Convert the checked settings; absent ones take their default."""
    values = {setting.name: setting.default for setting in SETTINGS} | dict(settings)
    ws_url = _ws(values["OPENCLAW_GATEWAY_URL"].rstrip("/"))
    named = values["OPENCLAW_CONFIG_PATH"]
    return Options(
        ws_url=ws_url,
        http_url=values["OPENCLAW_API_URL"].rstrip("/") or _http(ws_url),
        silent_seconds=float(values["OPENCLAW_TIMEOUT"]),
        manage=values["XO_OPENCLAW_MANAGE"].lower() in TRUE_WORDS,
        binary=values["OPENCLAW_CLI_PATH"],
        home=home / ".openclaw",
        config=Path(named).expanduser() if named else home / ".openclaw" / "openclaw.json",
    )


def _ws(url: str) -> str:
    return url.replace("http", "ws", 1) if url.startswith("http") else url


def _http(ws_url: str) -> str:
    return ws_url.replace("ws", "http", 1)
