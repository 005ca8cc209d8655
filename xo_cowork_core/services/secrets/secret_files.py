"""Finds the env file that a request is for."""

from collections.abc import Collection, Sequence
from pathlib import Path

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.runtimes.selector import RuntimeSelector


class SecretFiles:
    """The env files of runtimes. The active file is that of the default runtime.

    A runtime's file is the one that its plugin names, else `default_file`, which runtimes share.
    """

    def __init__(self, registry: Registry, selector: RuntimeSelector, default_file: Path) -> None:
        self._registry = registry
        self._selector = selector
        self._default_file = default_file

    async def find(self, agent_name: str | None = None) -> Path:
        """Return the file of a runtime, or the active one.

        Raises BadRequest for an unknown runtime, Unavailable when the configured default runtime
        is not loaded.
        """
        if agent_name:
            runtime = self._registry.runtime(agent_name)
            if runtime is None:
                raise BadRequest(f"Unknown agent_name {agent_name!r}")
        else:
            runtime = await self._selector.default_or_first()
        file = runtime.plugin.env_file if runtime else ""
        return Path(file) if file else self._default_file

    def runtimes_with(self, file: Path, keys: Collection[str] | None) -> Sequence[str]:
        """Return the runtimes whose agents may get one of some keys of a file; None means any."""
        return [
            runtime.info.name
            for runtime in self._registry.runtimes()
            if Path(runtime.plugin.env_file) == file
            and (keys is None or _may_use(runtime.plugin, keys))
        ]


def _may_use(plugin: PluginRecord, keys: Collection[str]) -> bool:
    # of a file of its own a plugin sees every entry
    has_own_file = bool(plugin.contributions.env_file)
    return has_own_file or any(secret.key in keys for secret in plugin.secrets)
