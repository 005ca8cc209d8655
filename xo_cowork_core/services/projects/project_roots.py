"""The projects root of each runtime; at present all runtimes have the same one."""

from collections.abc import Mapping
from pathlib import Path

from xo_cowork_core.services.runtimes.selector import RuntimeSelector


class ProjectRoots:
    """Gives every loaded runtime's projects root."""

    def __init__(self, selector: RuntimeSelector, root: Path) -> None:
        self.default = root
        self._selector = selector

    async def of_runtimes(self) -> Mapping[str, Path]:
        """Map each runtime's name to its projects root, the default runtime first."""
        runtimes = await self._selector.default_first()
        return {runtime.info.name: self.default for runtime in runtimes}
