"""Whether runtimes take turns, asked no more often than they like and never twice at once."""

import asyncio

from xo_cowork_core.sdk import Health
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime

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
        """Return a runtime's health, no older than the runtime says that it may be."""
        name = found.info.name
        seen = self._seen.get(name)
        if seen and found.plugin.serves:
            looked_at, health = seen
            if self._clock.monotonic() - looked_at < _fresh_seconds(health):
                return health
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


def _fresh_seconds(health: Health) -> float:
    if health.fresh_seconds is not None:
        return health.fresh_seconds
    return FRESH_SECONDS if health.takes_turns else RETRY_SECONDS
