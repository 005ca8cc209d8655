"""Models of every ready runtime, the default runtime's first."""

import asyncio
import logging
from collections.abc import Sequence

from xo_cowork_core.sdk import BadRequest, ListsModels, Model, XoError
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.services.runtimes.selector import RuntimeSelector

LIST_SECONDS = 5.0
log = logging.getLogger("xo_cowork.models")


class Models:
    """Lists the models of runtimes."""

    def __init__(self, registry: Registry, readiness: Readiness, selector: RuntimeSelector) -> None:
        self._registry = registry
        self._readiness = readiness
        self._selector = selector

    async def list(self, agent_name: str | None = None) -> Sequence[tuple[str, Model]]:
        """Return pairs of runtime name and model, of one runtime where `agent_name` is given.

        Raises BadRequest for an unknown `agent_name`, and for a named runtime what
        `call_runtime` raises.
        """
        runtimes = self._requested(agent_name)
        list_models = self._models_of if agent_name else self._models_or_none
        lists = await asyncio.gather(*map(list_models, runtimes))
        return [
            (runtime.info.name, model)
            for runtime, models in zip(runtimes, lists, strict=True)
            for model in models
        ]

    def _requested(self, agent_name: str | None) -> Sequence[RegisteredRuntime]:
        if not agent_name:
            # runtimes that are not ready give no models, so the order needs no readiness
            return self._selector.configured_first()
        runtime = self._registry.runtime(agent_name)
        if runtime is None:
            raise BadRequest(f"Unknown agent_name {agent_name!r}")
        return [runtime]

    async def _models_or_none(self, runtime: RegisteredRuntime) -> Sequence[Model]:
        try:
            return await self._models_of(runtime, is_optional=True)
        except XoError as error:
            # the other runtimes' models are still listed
            log.warning("no models of %s: %s", runtime.info.name, error.message)
            return []

    async def _models_of(
        self, registered: RegisteredRuntime, *, is_optional: bool = False
    ) -> Sequence[Model]:
        if not isinstance(registered.runtime, ListsModels):
            return []
        if not (await self._readiness.of(registered)).takes_turns:
            return []
        return await registered.call(
            ListsModels.models,
            action="list its models",
            seconds=LIST_SECONDS,
            is_optional=is_optional,
        )
