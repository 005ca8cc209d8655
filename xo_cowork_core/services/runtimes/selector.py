"""Choice of the runtime that serves a request: the only implementation of the default runtime."""

from collections.abc import Mapping, Sequence

from xo_cowork_core.sdk import BadRequest, Health, Unavailable
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry

RETRY_AFTER_SECONDS = 2


class RuntimeSelector:
    """Selects runtimes by name, by session owner, by configuration, by readiness.

    `configured_name` is the default runtime of the settings, None where they name none.
    """

    def __init__(
        self, registry: Registry, readiness: Readiness, *, configured_name: str | None
    ) -> None:
        self._registry = registry
        self._readiness = readiness
        self._configured_name = configured_name

    async def select(
        self, requested_name: str | None, session_owner: str | None
    ) -> RegisteredRuntime:
        """Return the runtime that runs a turn: the requested one, else the owner of the session,
        else the default.

        Raises BadRequest for an unknown `requested_name`, Unavailable for a runtime that is not
        loaded or takes no turns.
        """
        if requested_name:
            runtime = self._registry.runtime(requested_name)
            if runtime is None:
                raise BadRequest(
                    f"Unknown agent_name {requested_name!r}; this server has: {self._known_names()}"
                )
        elif name := session_owner or self._configured_name:
            runtime = self._require_loaded(name)
        else:
            return await self._require_any_ready()
        await self._require_ready(runtime)
        return runtime

    async def default(self) -> RegisteredRuntime:
        """Return the configured runtime, ready or not; without one, the first ready runtime.

        Raises Unavailable when there is no such runtime.
        """
        if self._configured_name:
            return self._require_loaded(self._configured_name)
        return await self._require_any_ready()

    async def default_or_first(self) -> RegisteredRuntime | None:
        """Return the default runtime as `default` does; the first by rank when none is ready, and
        None when there is none.

        Raises Unavailable when the configured runtime is not loaded.
        """
        if self._configured_name:
            return self._require_loaded(self._configured_name)
        return next(iter(await self.default_first()), None)

    async def default_first(self) -> Sequence[RegisteredRuntime]:
        """Return every runtime, the default one first; in order of rank when none is ready."""
        first = self._configured() if self._configured_name else await self._first_ready()
        return _moved_to_front(self._registry.runtimes(), first)

    def default_among(self, healths: Mapping[str, Health]) -> str | None:
        """Return the name of the default runtime by health checks that were made already.

        None when no runtime is configured and none takes turns.
        """
        if self._configured_name:
            runtime = self._configured()
            return runtime.info.name if runtime else self._configured_name
        ready = (name for name, health in healths.items() if health.takes_turns)
        return next(ready, None)

    async def with_ability(self, ability: type) -> RegisteredRuntime | None:
        """Return the runtime that answers for all in what `ability` is about: the first ready one
        that has it, the first one when none is ready; None where no runtime has it.

        Raises Unavailable while the plugins of all that have it are starting.
        """
        able = [each for each in self._registry.runtimes() if isinstance(each.runtime, ability)]
        serving = [each for each in able if each.plugin.serves]
        if able and not serving:
            raise Unavailable(f"{able[0].info.title} is starting", retry_after=RETRY_AFTER_SECONDS)
        # a health check costs time, and would not change the choice of the only one
        for runtime in serving if len(serving) > 1 else ():
            if (await self._readiness.of(runtime)).takes_turns:
                return runtime
        return serving[0] if serving else None

    def configured_first(self) -> Sequence[RegisteredRuntime]:
        """Return every runtime, the configured one first, without a health check."""
        return _moved_to_front(self._registry.runtimes(), self._configured())

    def _configured(self) -> RegisteredRuntime | None:
        return self._registry.runtime(self._configured_name) if self._configured_name else None

    async def _first_ready(self) -> RegisteredRuntime | None:
        for runtime in self._registry.runtimes():
            if (await self._readiness.of(runtime)).takes_turns:
                return runtime
        return None

    async def _require_any_ready(self) -> RegisteredRuntime:
        runtime = await self._first_ready()
        if runtime is None:
            raise Unavailable("No runtime is ready; `xo-cowork doctor` says what is missing")
        return runtime

    def _require_loaded(self, name: str) -> RegisteredRuntime:
        runtime = self._registry.runtime(name)
        if runtime is None:
            raise Unavailable(
                f"The runtime {name!r} is not loaded; this server has: {self._known_names()}"
            )
        return runtime

    async def _require_ready(self, runtime: RegisteredRuntime) -> None:
        health = await self._readiness.of(runtime)
        if health.takes_turns:
            return
        reason = health.detail or f"its state is {health.state}"
        fix = f" To fix it: {health.fix}" if health.fix else ""
        raise Unavailable(
            f"{runtime.info.title} cannot take a turn: {reason}{fix}",
            retry_after=RETRY_AFTER_SECONDS if health.state == "starting" else None,
        )

    def _known_names(self) -> str:
        return ", ".join(runtime.info.name for runtime in self._registry.runtimes()) or "none"


def _moved_to_front(
    runtimes: Sequence[RegisteredRuntime], first: RegisteredRuntime | None
) -> Sequence[RegisteredRuntime]:
    return sorted(runtimes, key=lambda runtime: runtime is not first)
