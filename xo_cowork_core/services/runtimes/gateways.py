"""Gateways, channels and live status of the runtimes that have them."""

from collections.abc import Mapping
from dataclasses import field

from xo_cowork_core.sdk import Unsupported
from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.sdk.runtime.agents import HasChannels, HasGateway, ReportsStatus
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime
from xo_cowork_core.services.runtimes.selector import RuntimeSelector

STATUS_SECONDS = 5.0
RESTART_SECONDS = 120.0


@frozen_dataclass
class Channels:
    """Every channel, and whether the gateway that serves them runs."""

    channels: Mapping[str, Json] = field(default_factory=dict[str, Json])
    gateway_running: bool = False


class Gateways:
    """Forwards a request to the runtime that has the ability for it."""

    def __init__(self, selector: RuntimeSelector) -> None:
        self._selector = selector

    async def channels(self) -> Channels:
        """Return the channels; none where no runtime has any."""
        registered = await self._selector.with_ability(HasChannels)
        if registered is None:
            return Channels()
        channels = await registered.call(
            HasChannels.channels, action="list its channels", seconds=STATUS_SECONDS
        )
        return Channels(channels, await _is_gateway_running(registered))

    async def add_channel(self, channel: str, tokens: Mapping[str, str]) -> bool:
        """Store a channel's tokens; True when the gateway must restart. Raises Unsupported."""
        registered = await self._selector.with_ability(HasChannels)
        if registered is None:
            raise Unsupported("No runtime here has channels")
        return await registered.call(
            HasChannels.add_channel,
            channel,
            tokens,
            action="add the channel",
            seconds=RESTART_SECONDS,
        )

    async def restart(self) -> str:
        """Restart the gateway and return what it printed. Raises Unsupported or UpstreamFailed."""
        registered = await self._selector.with_ability(HasGateway)
        if registered is None:
            raise Unsupported("No runtime here has a gateway")
        return await registered.call(
            HasGateway.restart_gateway, action="restart its gateway", seconds=RESTART_SECONDS
        )

    async def status(self, subject: str) -> Json:
        """Return the default runtime's live `models`, `channels` or `providers`.

        Raises Unsupported where the runtime reports no status, Unavailable without a default.
        """
        default = await self._selector.default()
        if not isinstance(default.runtime, ReportsStatus):
            raise Unsupported(f"{default.info.title} reports no status of its {subject}")
        return await default.call(
            ReportsStatus.status_of,
            subject,
            action=f"report the status of its {subject}",
            seconds=STATUS_SECONDS,
        )


async def _is_gateway_running(registered: RegisteredRuntime) -> bool:
    if not isinstance(registered.runtime, HasGateway):
        return False
    status = await registered.call(
        HasGateway.gateway, action="report the state of its gateway", seconds=STATUS_SECONDS
    )
    return status.running
