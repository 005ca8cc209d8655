"""`xo-cowork sessions restore`: bring a deleted session back while no server runs."""

import asyncio
import sqlite3

from xo_cowork_core.host.services import build_core
from xo_cowork_core.host.settings.model import read_settings
from xo_cowork_core.sdk import XoError
from xo_cowork_core.storage.locks import StateFolderError, StateLock


def restore(session_id: str) -> str:
    """Move a session's files back out of the trash; return a line that says what was done.

    Raises StateFolderError where a server runs on the state folder, or there is no such session.
    """
    settings = read_settings()
    with StateLock(settings.state_dir):
        try:
            count = asyncio.run(_restore(session_id))
        except XoError as error:
            raise StateFolderError(f"{error.message}: {session_id}") from None
        except (OSError, sqlite3.Error) as error:
            raise StateFolderError(f"the session can't be restored: {error}") from error
    return f"restored {session_id}, {count} file(s); it is listed at the next start"


async def _restore(session_id: str) -> int:
    core = build_core(read_settings())
    core.database.open()
    try:
        return await core.trash.restore(session_id)
    finally:
        await core.database.close()
