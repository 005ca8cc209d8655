"""Models of every ready runtime, the default runtime's first."""

import asyncio
import logging
from collections.abc import Sequence

from xo_cowork_core.sdk import BadRequest, ListsModels, Model, XoError
from xo_cowork_core.services.runtimes.calls import ask
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry

LIST_SECONDS = 5.0
log = logging.getLogger("xo_cowork.models")


class Models:
    """Asks runtimes for their models."""

    def __init__(
        self, registry: Registry, readiness: Readiness, *, default_agent: str | None
    ) -> None:
        self._registry = registry
        self._readiness = readiness
        self._default_agent = default_agent

    async def list(self, agent_name: str | None = None) -> Sequence[tuple[str, Model]]:
        """Return runtime name and model, optionally of one runtime.

        Raises BadRequest, and what `ask` raises for the one that was asked for.
        """
        found = self._chosen(agent_name)
        look = self._of if agent_name else self._if_it_can
        lists = await asyncio.gather(*(look(runtime) for runtime in found))
        return [
            (runtime.info.name, model)
            for runtime, models in zip(found, lists, strict=True)
            for model in models
        ]

    def _chosen(self, agent_name: str | None) -> Sequence[RegisteredRuntime]:
        if agent_name:
            found = self._registry.runtime(agent_name)
            if found is None:
                raise BadRequest(f"Unknown agent_name {agent_name!r}")
            return [found]
        default = self._registry.runtime(self._default_agent) if self._default_agent else None
        everyone = self._registry.runtimes()
        return sorted(everyone, key=lambda found: found is not default)

    async def _if_it_can(self, found: RegisteredRuntime) -> Sequence[Model]:
        try:
            return await self._of(found)
        except XoError as error:
            # one runtime's trouble must not hide the others' models
            log.warning("no models of %s: %s", found.info.name, error.message)
            return []

    async def _of(self, found: RegisteredRuntime) -> Sequence[Model]:
        if not isinstance(found.runtime, ListsModels):
            return []
        if not (await self._readiness.of(found)).takes_turns:
            return []
        return await ask(found.runtime.models(), "list its models", LIST_SECONDS)
