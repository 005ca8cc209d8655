"""`DriveConnector`, the base class of connectors whose service rclone reaches."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager

from xo_cowork_core.sdk import HostContext, XoError
from xo_cowork_core.sdk.connector import (
    Connector,
    ConnectorInfo,
    ExportedConnection,
    ExportsConnections,
    FileSection,
    ImportedConnection,
    ImportsConnections,
    RefreshesTokens,
    Revokes,
    TokenSet,
)
from xo_lib_rclone.backend import RcloneBackend
from xo_lib_rclone.drive import CloudDrive
from xo_lib_rclone.exports import EXPORT_FILE, export_name, export_section, import_section
from xo_lib_rclone.refresh import RcloneRefresh
from xo_lib_rclone.sections import read_sections

COMPLETE_SECONDS = 8.0


class DriveConnector(Connector, RefreshesTokens, Revokes, ExportsConnections, ImportsConnections):
    """A cloud drive: its connections are the remotes that the routes serve.

    A subclass has the ways to sign in and `identify`, and `revoke_tokens` where the service can
    revoke. `self.drive` has the files and the daemon.
    """

    def __init__(self, context: HostContext, info: ConnectorInfo, backend: RcloneBackend) -> None:
        self._info = info
        self.context = context
        self.drive = CloudDrive(context, info.name, backend)
        self._refresh = RcloneRefresh(backend, self.drive.rc)
        self._loop: asyncio.AbstractEventLoop | None = None

    @abstractmethod
    async def revoke_tokens(self, tokens: TokenSet) -> None:
        """Revoke the tokens at the service, if it can. Raises as `Revokes.revoke`."""

    def describe(self) -> ConnectorInfo:
        return self._info

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        return await self._refresh.refresh(tokens)

    async def revoke(self, tokens: TokenSet) -> None:
        await self.revoke_tokens(tokens)
        await self._refresh.forget(tokens)

    def export_connections(
        self, connections: Sequence[ExportedConnection]
    ) -> Sequence[FileSection]:
        backend = self.drive.backend
        file = self.drive.daemon.config_file()
        stored = read_sections(file)
        if not all(backend.is_complete(stored.get(each.connection, {})) for each in connections):
            self._complete_remotes()
            stored = read_sections(file)
        names = {each.connection for each in connections}
        return [
            export_section(
                backend, stored, each, export_name(self._info.name, each.connection, names)
            )
            for each in connections
        ]

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Let exports wait for options that only the service knows; for `xo_lifespan`."""
        self._loop = asyncio.get_running_loop()
        try:
            yield
        finally:
            self._loop = None

    def _complete_remotes(self) -> None:
        """Wait, in the thread of an export, until the options of new remotes are known."""
        if self._loop is None:
            return
        listing = asyncio.run_coroutine_threadsafe(self.drive.remotes.list(), self._loop)
        try:
            listing.result(COMPLETE_SECONDS)
        except (TimeoutError, CancelledError, RuntimeError, XoError) as error:
            self.context.log.warning("the options of a remote are not exported yet: %s", error)

    def imported_files(self) -> Sequence[str]:
        return (EXPORT_FILE,)

    def import_connections(self, sections: Sequence[FileSection]) -> Sequence[ImportedConnection]:
        imported = [import_section(self.drive.backend, section) for section in sections]
        return [each for each in imported if each is not None]
