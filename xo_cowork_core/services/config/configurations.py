"""The configuration of a runtime, without its secrets."""

import asyncio
from collections.abc import Mapping
from typing import cast

from xo_cowork_core.sdk import NotFound, Unavailable
from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.sdk.runtime.configuration import ShowsConfiguration
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.services.secrets.masking import SecretMasker
from xo_cowork_core.services.secrets.redaction import SecretRedactor

READ_SECONDS = 5.0
RETRY_AFTER_SECONDS = 2


class Configurations:
    """Shows the configurations of runtimes."""

    def __init__(self, registry: Registry, redactor: SecretRedactor) -> None:
        self._registry = registry
        self._redactor = redactor

    async def read(self, agent_name: str) -> Mapping[str, object]:
        """Return a runtime's configuration, masked; empty where it has none.

        Raises NotFound for an unknown runtime, and what `call_runtime` raises.
        """
        registered = self._registry.runtime(agent_name)
        if registered is None:
            raise NotFound("No such runtime")
        if not isinstance(registered.runtime, ShowsConfiguration):
            return {}
        _require_serving(registered)
        config = await registered.call(
            ShowsConfiguration.configuration,
            action="read its configuration",
            seconds=READ_SECONDS,
        )
        return await asyncio.to_thread(self._mask, registered, config)

    def _mask(self, registered: RegisteredRuntime, config: Json) -> Mapping[str, object]:
        # reading the secrets of all runtimes makes them known to the redactor
        for each in self._registry.runtimes():
            each.secrets.environment()
        own = registered.secrets.environment().values()
        masker = SecretMasker(
            [secret.get_secret_value() for secret in own], redact=self._redactor.redact
        )
        return cast("Mapping[str, object]", masker.mask(config))


def _require_serving(registered: RegisteredRuntime) -> None:
    record = registered.plugin
    if not record.serves:
        raise Unavailable(
            f"{registered.info.title} is not ready: its plugin is {record.state}",
            retry_after=RETRY_AFTER_SECONDS if record.is_starting else None,
        )
