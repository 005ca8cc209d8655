"""Runs an `AgentLogin`: the plugin's code, which reports its prompt and its output."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from xo_cowork_core.sdk import UpstreamFailed, XoError
from xo_cowork_core.sdk.connector import AgentLogin, OutputStream, TokenSet
from xo_cowork_core.services.auth_flows import texts
from xo_cowork_core.services.auth_flows.events import CommandPrompted, TokensReceived
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.errors import UpstreamError
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord, describe_exception

MAX_PROMPT_SECONDS = 3600.0
PLACE = "AgentLogin.run()"
log = logging.getLogger("xo_cowork.auth_flows")


@dataclass(frozen=True, slots=True)
class AgentDialog:
    """The `SignInDialog` of one flow."""

    flow_id: str
    on_prompt: Callable[[CommandPrompted], object]
    on_line: Callable[[OutputStream, str], None]
    clock: Clock

    def prompt(self, url: str, user_code: str = "", *, expires_in: float | None = None) -> None:
        if not url.startswith(("https://", "http://")):
            raise UpstreamFailed(texts.NO_PROMPT)
        expires_at = None
        if expires_in is not None:
            lifetime = timedelta(seconds=min(max(expires_in, 1.0), MAX_PROMPT_SECONDS))
            expires_at = self.clock.now() + lifetime
        self.on_prompt(CommandPrompted(url, user_code, expires_at=expires_at))

    def print(self, stream: OutputStream, line: str) -> None:
        self.on_line(stream, line)


async def run_agent_login(
    method: AgentLogin, dialog: AgentDialog, plugin: PluginRecord
) -> TokensReceived:
    """Run the sign-in to its end. Raises XoError."""
    try:
        tokens = await method.run(dialog)
    except XoError:
        raise
    except Exception as error:
        log.exception("plugin %s: %s", plugin.name, PLACE)
        plugin.add_fault(PLACE, f"{PLACE} raised {describe_exception(error)}")
        raise UpstreamError(texts.INTERNAL) from error
    if not isinstance(tokens, TokenSet | None):  # pyright: ignore[reportUnnecessaryIsInstance]
        plugin.add_fault(PLACE, f"{PLACE} must return TokenSet or None")
        raise UpstreamError(texts.NO_TOKENS)
    return TokensReceived(tokens)
