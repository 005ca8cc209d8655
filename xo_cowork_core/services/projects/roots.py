"""Which folder holds the projects of each runtime: today one for all."""

from collections.abc import Mapping
from pathlib import Path

from xo_cowork_core.services.runtimes.registry import Registry


class Roots:
    """Answers for every runtime that is there."""

    def __init__(self, registry: Registry, root: Path, *, default_agent: str | None) -> None:
        self.default = root
        self._registry = registry
        self._default_agent = default_agent

    def of_runtimes(self) -> Mapping[str, Path]:
        """Map each runtime to its projects root, the default runtime first."""
        default = self._registry.runtime(self._default_agent) if self._default_agent else None
        ordered = sorted(self._registry.runtimes(), key=lambda found: found is not default)
        return {found.info.name: self.default for found in ordered}
