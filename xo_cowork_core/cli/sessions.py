"""`xo-cowork sessions restore`: restore a deleted session while no server runs."""

import asyncio
import sqlite3

from xo_cowork_core.cli.output import print_line
from xo_cowork_core.host.services import build_services
from xo_cowork_core.host.settings.model import Settings, read_settings
from xo_cowork_core.sdk import XoError
from xo_cowork_core.storage.state_folder import StateFolderError, StateLock


def sessions_restore_command(session_id: str) -> None:
    """Restore a deleted session, within 30 days. Stop the server first."""
    print_line(restore_session(session_id))


def restore_session(session_id: str) -> str:
    """Move a session's files out of the trash; return a line that reports it.

    Raises StateFolderError where a server uses the state folder or no such session is deleted.
    """
    settings = read_settings()
    with StateLock(settings.state_dir):
        try:
            count = asyncio.run(_restore(settings, session_id))
        except XoError as error:
            raise StateFolderError(f"{error.message}: {session_id}") from None
        except (OSError, sqlite3.Error) as error:
            raise StateFolderError(f"the session can't be restored: {error}") from error
    return f"restored {session_id}, {count} file(s); it is listed at the next start"


async def _restore(settings: Settings, session_id: str) -> int:
    state = build_services(settings)
    state.database.open()
    try:
        return await state.trash.restore(session_id)
    finally:
        await state.database.close()
