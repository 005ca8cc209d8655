"""The requests of the gateway client, for modules that need nothing else of it."""

from contextlib import AbstractContextManager
from typing import Protocol

from xo_runtime_openclaw.gateway.frames import Row


class GatewayCalls(Protocol):
    """The requests of the gateway client."""

    async def call(self, method: str, params: Row, *, seconds: float = ...) -> object:
        """Send a request and return the payload. Raises `GatewayUnavailable` or `GatewayError`."""
        ...

    def requested_restart(self) -> AbstractContextManager[None]:
        """Let callers know inside the block that the gateway comes back."""
        ...
