"""Gateways, channels and live status of the runtimes that have them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xo_cowork_core.sdk import (
    HasChannels,
    HasGateway,
    ReportsStatus,
    Unavailable,
    Unsupported,
)
from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.services.runtimes.calls import ask
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry

LOOK_SECONDS = 5.0
RESTART_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Channels:
    """Every channel, and whether the gateway that serves them runs."""

    channels: Mapping[str, Json] = field(default_factory=dict[str, Json])
    gateway_running: bool = False


class Gateways:
    """Finds the runtime that has an ability, and asks it."""

    def __init__(
        self, registry: Registry, readiness: Readiness, *, default_agent: str | None
    ) -> None:
        self._registry = registry
        self._readiness = readiness
        self._default_agent = default_agent

    async def channels(self) -> Channels:
        """Return the channels; none where no runtime has any."""
        for found in self._registry.runtimes():
            runtime = found.runtime
            if isinstance(runtime, HasChannels) and found.plugin.serves:
                channels = await ask(runtime.channels(), "tell its channels", LOOK_SECONDS)
                return Channels(channels, await _runs(runtime))
        return Channels()

    async def add_channel(self, channel: str, tokens: Mapping[str, str]) -> bool:
        """Store a channel's tokens; True when the gateway must restart. Raises Unsupported."""
        for found in self._registry.runtimes():
            if isinstance(found.runtime, HasChannels) and found.plugin.serves:
                adding = found.runtime.add_channel(channel, tokens)
                return await ask(adding, "add the channel", RESTART_SECONDS)
        raise Unsupported("No runtime here has channels")

    async def restart(self) -> str:
        """Restart the gateway and return what it printed. Raises Unsupported or UpstreamFailed."""
        for found in self._registry.runtimes():
            if isinstance(found.runtime, HasGateway) and found.plugin.serves:
                restarting = found.runtime.restart_gateway()
                return await ask(restarting, "restart its gateway", RESTART_SECONDS)
        raise Unsupported("No runtime here has a gateway")

    async def status(self, what: str) -> Json:
        """Return the default runtime's live `models`, `channels` or `providers`."""
        found = await self._default()
        if not isinstance(found.runtime, ReportsStatus):
            raise Unsupported(f"{found.info.title} tells no status of its {what}")
        return await ask(found.runtime.status_of(what), f"tell its {what}", LOOK_SECONDS)

    async def _default(self) -> RegisteredRuntime:
        named = self._registry.runtime(self._default_agent) if self._default_agent else None
        if named:
            return named
        for found in self._registry.runtimes():
            if (await self._readiness.of(found)).takes_turns:
                return found
        raise Unavailable("No runtime is ready; `xo-cowork doctor` says what is missing")


async def _runs(runtime: HasChannels) -> bool:
    if not isinstance(runtime, HasGateway):
        return False
    return (await ask(runtime.gateway(), "tell of its gateway", LOOK_SECONDS)).running
