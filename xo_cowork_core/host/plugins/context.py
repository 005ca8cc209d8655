"""The `HostContext` of one plugin: paths, secrets, processes, tokens, log, settings and tasks."""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from xo_cowork_core.host.plugins.tasks import PluginTasks
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.sdk import HttpClient, Processes, Secrets, TurnMcpServer
from xo_cowork_core.sdk.connector import ConnectorConnections, ConnectorTokens
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.sdk.sign_in import SignIns
from xo_cowork_core.services.public_address import PublicAddress
from xo_cowork_core.storage.state_folder import make_private_folder

T = TypeVar("T")


@frozen_dataclass
class PluginPaths:
    """The folders of one plugin.

    `folder` is its state folder, `search_path` is where its executables are looked up.
    """

    home: Path
    projects_root: Path
    folder: Path
    search_path: str

    def ensure_state_folder(self) -> Path:
        """Create the plugin's own folder if it does not exist, and return it."""
        make_private_folder(self.folder.parent)
        return make_private_folder(self.folder)

    def binary(self, name: str, override: str = "") -> Path | None:
        """Find an executable. An override that leads nowhere gives None, never another program."""
        wanted = os.path.expanduser(override) if override else name  # noqa: PTH111  # may be a bare name
        path = shutil.which(wanted, path=self.search_path)
        return Path(path).absolute() if path else None


@frozen_dataclass
class PluginContext:
    """The `HostContext` of one plugin."""

    paths: PluginPaths
    secrets: Secrets
    processes: Processes
    tokens: ConnectorTokens
    connections: ConnectorConnections
    sign_in: SignIns
    http: HttpClient
    log: logging.Logger
    settings: Mapping[str, str]
    address: PublicAddress
    tasks: PluginTasks
    mcp_servers: Callable[[str], Sequence[TurnMcpServer]]

    def shared_mcp_servers(self, agent_name: str) -> Sequence[TurnMcpServer]:
        """Return the MCP servers for all sessions of one of the plugin's runtimes."""
        return self.mcp_servers(agent_name)

    def url_for(self, path: str) -> str:
        """Return the public URL of a path of this server."""
        return self.address.url_for(path)

    def create_task(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start a background task that ends with the plugin."""
        return self.tasks.create(coroutine, name)


def build_plugin_paths(settings: Settings, plugin: str) -> PluginPaths:
    """Return a plugin's folders. In a workspace image its tools are searched before PATH."""
    search_path = settings.source.environment.get("PATH", os.defpath)
    if settings.stage == "beta":
        image_tools = str(settings.workspace_root / ".local" / "bin")
        search_path = os.pathsep.join([image_tools, search_path])
    return PluginPaths(
        home=Path.home(),
        projects_root=settings.projects_root,
        folder=settings.state_dir / "plugins" / plugin,
        search_path=search_path,
    )
