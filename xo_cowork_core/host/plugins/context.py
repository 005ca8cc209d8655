"""What one plugin is handed: its places, secrets, processes, log and settings."""

import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.sdk import Processes, Secrets
from xo_cowork_core.storage.locks import private_folder


@dataclass(frozen=True, slots=True)
class PluginPaths:
    """The places of one plugin."""

    home: Path
    projects_root: Path
    folder: Path
    search: str

    @property
    def state(self) -> Path:
        private_folder(self.folder.parent)
        return private_folder(self.folder)

    def binary(self, name: str, override: str = "") -> Path | None:
        """Find an executable. An override is an order: when it leads nowhere, nothing else is
        run in its place."""
        wanted = os.path.expanduser(override) if override else name  # noqa: PTH111  # may be a bare name
        found = shutil.which(wanted, path=self.search)
        return Path(found).absolute() if found else None


@dataclass(frozen=True, slots=True)
class PluginContext:
    """The `HostContext` of one plugin."""

    paths: PluginPaths
    secrets: Secrets
    processes: Processes
    log: logging.Logger
    settings: Mapping[str, str]


def plugin_paths(settings: Settings, plugin: str) -> PluginPaths:
    """Lay out a plugin's places: in a workspace image its tools come before PATH."""
    search = settings.source.environment.get("PATH", os.defpath)
    if settings.stage == "beta":
        search = os.pathsep.join([str(settings.workspace_root / ".local" / "bin"), search])
    return PluginPaths(
        home=Path.home(),
        projects_root=settings.projects_root,
        folder=settings.state_dir / "plugins" / plugin,
        search=search,
    )
