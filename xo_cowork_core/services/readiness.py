"""Whether runtimes take turns, asked at most every few seconds and never twice at once."""

import asyncio

from xo_cowork_core.sdk import Health
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.registry import RegisteredRuntime

FRESH_SECONDS = 10.0
RETRY_SECONDS = 1.0


class Readiness:
    """Remembers each runtime's last health. Its look-ups belong to who asks first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[float, Health]] = {}
        self._asking: dict[str, asyncio.Task[Health]] = {}

    def last(self, found: RegisteredRuntime) -> Health | None:
        """Return what is remembered, however old, without waiting."""
        seen = self._seen.get(found.info.name)
        return seen[1] if seen else None

    async def of(self, found: RegisteredRuntime) -> Health:
        """Return a runtime's health, at most `FRESH_SECONDS` old (`RETRY_SECONDS` if not well)."""
        name = found.info.name
        seen = self._seen.get(name)
        if seen and found.plugin.serves:
            age = self._clock.monotonic() - seen[0]
            if age < (FRESH_SECONDS if seen[1].takes_turns else RETRY_SECONDS):
                return seen[1]
        task = self._asking.get(name)
        if task is None:
            task = asyncio.create_task(self._ask(found), name=f"health {name}")
            self._asking[name] = task
        return await asyncio.shield(task)

    async def _ask(self, found: RegisteredRuntime) -> Health:
        try:
            health = await found.health()
            self._seen[found.info.name] = (self._clock.monotonic(), health)
            return health
        finally:
            self._asking.pop(found.info.name, None)
