"""Chat platforms of OpenClaw: tokens in its env file, entries in its configuration.

The configuration holds no token: OpenClaw reads the default account's from its environment, into
which it loads the env file at each start of the gateway.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import BadRequest, HostContext, Json, JsonValue
from xo_runtime_openclaw.config.configuration import Configuration
from xo_runtime_openclaw.config.json5_edit import Edit, SetValue
from xo_runtime_openclaw.config.live_config import PATH
from xo_runtime_openclaw.gateway.calls import GatewayCalls
from xo_runtime_openclaw.gateway.frames import GatewayError, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.probe import answers
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.options import Options

STATUS_SECONDS = 1.5
ERROR_CHARACTERS = 300
NO_CHANNELS = frozenset({"defaults", "modelByChannel"})  # settings, no channels
PLATFORMS: Mapping[str, Mapping[str, str]] = {
    "telegram": {"bot_token": "TELEGRAM_BOT_TOKEN"},
    "discord": {"bot_token": "DISCORD_BOT_TOKEN"},
    "slack": {"bot_token": "SLACK_BOT_TOKEN", "app_token": "SLACK_APP_TOKEN"},
}


class _ChannelSettings(NamedTuple):
    """The channels of the env file and the configuration."""

    secrets: Mapping[str, SecretStr]
    config: Json

    def entries(self) -> Mapping[str, JsonValue]:
        channels = self.config.get("channels")
        stored = dict(channels) if isinstance(channels, dict) else {}
        return {key: value for key, value in stored.items() if isinstance(value, dict)}

    def has_tokens(self, channel: str) -> bool:
        keys = PLATFORMS.get(channel, {}).values()
        values = (self.secrets.get(key) for key in keys)
        return bool(keys) and all(secret and secret.get_secret_value() for secret in values)


class Channels:
    """Lists channels, with their state where the gateway reports it, and adds one."""

    def __init__(
        self,
        context: HostContext,
        options: Options,
        configuration: Configuration,
        control: GatewayCalls,
    ) -> None:
        self._context = context
        self._options = options
        self._configuration = configuration
        self._control = control

    async def all(self) -> Mapping[str, Json]:
        """Return each channel that has an entry or tokens:
        `{configured, enabled, running, state, error, account, accounts}`."""
        snapshot = await self._configuration.read()
        secrets = await asyncio.to_thread(self._context.secrets.environment)
        settings = _ChannelSettings(secrets, snapshot.config)
        live = await self._live_states() if snapshot.live else {}
        named = [*settings.entries(), *live, *filter(settings.has_tokens, PLATFORMS)]
        names = dict.fromkeys(name for name in named if name not in NO_CHANNELS)
        return {name: self._channel(name, settings, live, is_live=snapshot.live) for name in names}

    async def add(self, channel: str, tokens: Mapping[str, str]) -> bool:
        """Store a channel's tokens and enable it; True when a running gateway must restart."""
        values = _checked(channel, tokens)
        await asyncio.to_thread(self._context.secrets.store, values)
        if await self._installed():
            await self._enable(channel)
        return await answers(self._options, "/healthz")

    async def _installed(self) -> bool:
        config = await self._configuration.read()
        if config.config:
            return True
        find = self._context.paths.binary
        return await asyncio.to_thread(find, "openclaw", self._options.binary) is not None

    async def _enable(self, channel: str) -> None:
        def plan(config: Json) -> list[Edit]:
            entry = _ChannelSettings({}, config).entries().get(channel)
            on = isinstance(entry, dict) and entry.get("enabled") is True
            return [] if on else [SetValue(("channels", channel, "enabled"), True)]

        snapshot = await self._configuration.read()
        if snapshot.live:
            await self._configuration.change_live(plan)
        else:
            await self._configuration.change_file(plan)

    async def _live_states(self) -> Row:
        """Return the state of channels; empty when the gateway does not report it."""
        try:
            call = self._control.call("channels.status", {}, seconds=STATUS_SECONDS)
            answer = row(await call)
        except (GatewayUnavailable, GatewayError):
            return {}
        accounts = row(answer.get("channelAccounts"))
        return {
            name: {**row(state), "accounts": rows(accounts.get(name))}
            for name, state in row(answer.get("channels")).items()
        }

    def _channel(self, name: str, settings: _ChannelSettings, live: Row, *, is_live: bool) -> Json:
        entry = row(settings.entries().get(name))
        state = row(live.get(name))
        accounts = rows(state.get("accounts"))
        first: Row = accounts[0] if accounts else {}
        error = text_of(state.get("lastError")) or text_of(first.get("lastError"))
        if is_live and name not in live and entry.get("enabled") is not False:
            error = "The gateway has not loaded this channel's plugin; restart it"
        return {
            "configured": bool(state.get("configured")) or settings.has_tokens(name),
            "enabled": bool(entry) and entry.get("enabled") is not False,
            "running": bool(state.get("running")),
            "state": text_of(first.get("healthState")) or None,
            "error": _redacted(error, settings.secrets) or None,
            "account": text_of(first.get("name")) or text_of(first.get("accountId")) or None,
            "accounts": len(accounts),
        }


def _checked(channel: str, tokens: Mapping[str, str]) -> dict[str, SecretStr]:
    """Return the tokens by their keys in the env file. Raises BadRequest."""
    if channel not in PLATFORMS:
        raise BadRequest(f"Unknown channel {channel!r}: one of {', '.join(sorted(PLATFORMS))}")
    all_tokens = {"bot_token": tokens.get("token", ""), **tokens}
    missing = [name for name in PLATFORMS[channel] if not all_tokens.get(name, "").strip()]
    if missing:
        raise BadRequest(f"`{missing[0]}` is missing for {channel}")
    return {key: SecretStr(all_tokens[name].strip()) for name, key in PLATFORMS[channel].items()}


def _redacted(error: str, secrets: Mapping[str, SecretStr]) -> str:
    """Remove secrets and paths: a URL of Telegram's API holds the token."""
    for secret in secrets.values():
        value = secret.get_secret_value()
        error = error.replace(value, "***") if len(value) >= 6 else error
    return PATH.sub("(a path)", error)[:ERROR_CHARACTERS]
