"""Readiness of runtimes: their last health, refreshed when it is too old."""

import asyncio
from collections.abc import Iterable, Sequence

from xo_cowork_core.sdk import Health
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime

FRESH_SECONDS = 10.0
RETRY_SECONDS = 1.0
QUICK_SECONDS = 0.25


class Readiness:
    """Caches the health of each runtime.

    At most one check of a runtime runs at a time, in a task of its own. Callers join the running
    check: unlike a `SingleFlight` call it need not begin after their question, because a cached
    health would do as well.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # the monotonic time of the check and its result, by runtime name
        self._cached: dict[str, tuple[float, Health]] = {}
        self._checks: dict[str, asyncio.Task[Health]] = {}
        # those that began before the last `forget` and still run
        self._superseded: set[asyncio.Task[Health]] = set()

    def last(self, runtime: RegisteredRuntime) -> Health | None:
        """Return the cached health, however old, without waiting."""
        cached = self._cached.get(runtime.info.name)
        return cached[1] if cached else None

    def forget(self, runtimes: Iterable[str]) -> None:
        """Forget the health of some runtimes: what it depends on has changed, such as a secret."""
        for name in runtimes:
            self._cached.pop(name, None)
            if check := self._checks.pop(name, None):
                self._superseded.add(check)

    async def of(self, runtime: RegisteredRuntime) -> Health:
        """Return a runtime's health, no older than its `fresh_seconds`."""
        if health := self._fresh(runtime):
            return health
        name = runtime.info.name
        check = self._checks.get(name)
        if check is None:
            check = asyncio.create_task(self._check(runtime), name=f"health {name}")
            self._checks[name] = check
        return await asyncio.shield(check)

    async def of_all(self, runtimes: Sequence[RegisteredRuntime]) -> dict[str, Health]:
        """Return each runtime's health by name, within `QUICK_SECONDS`.

        A check that takes longer continues; the last known health is returned for it.
        """
        healths = {each.info.name: self._fresh(each) for each in runtimes}
        stale = [each for each in runtimes if healths[each.info.name] is None]
        # tasks only for those: /health is requested often
        checked = await asyncio.gather(*map(self._quick, stale)) if stale else ()
        healths |= {each.info.name: health for each, health in zip(stale, checked, strict=True)}
        return {name: health for name, health in healths.items() if health}

    def _fresh(self, runtime: RegisteredRuntime) -> Health | None:
        cached = self._cached.get(runtime.info.name)
        if cached and runtime.plugin.serves:
            checked_at, health = cached
            if self._clock.monotonic() - checked_at < _fresh_seconds(health):
                return health
        return None

    async def _quick(self, runtime: RegisteredRuntime) -> Health:
        try:
            async with asyncio.timeout(QUICK_SECONDS):
                return await self.of(runtime)
        except TimeoutError:
            last = self.last(runtime)
            return last or Health(state="starting", detail="Its first health check still runs.")

    async def _check(self, runtime: RegisteredRuntime) -> Health:
        task = asyncio.current_task()
        name = runtime.info.name
        try:
            health = await runtime.health()
            if self._checks.get(name) is task:
                self._cached[name] = (self._clock.monotonic(), health)
            return health
        finally:
            self._superseded = {each for each in self._superseded if each is not task}
            if self._checks.get(name) is task:
                del self._checks[name]


def _fresh_seconds(health: Health) -> float:
    if health.fresh_seconds is not None:
        return health.fresh_seconds
    return FRESH_SECONDS if health.takes_turns else RETRY_SECONDS
