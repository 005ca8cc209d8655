"""The ids that an agent gives to sessions, stored for the server's own ids."""

import asyncio
import json
from pathlib import Path

from xo_cowork_core.sdk.context import HostContext

FILE = "sessions.json"


class SessionIds:
    """Maps a session's id at the server to the agent's, in a file of the plugin's state folder.

    For an agent whose ids aren't UUIDs: such a runtime can't be an `OpensSessions`.
    """

    def __init__(self, context: HostContext) -> None:
        self._context = context
        self._ids: dict[str, str] | None = None
        self._lock = asyncio.Lock()

    async def find(self, session_id: str) -> str | None:
        """Return the agent's id of a session; None when it has none yet."""
        return (await self._loaded()).get(session_id)

    async def store(self, session_id: str, agent_id: str) -> None:
        """Store the agent's id of a session."""
        ids = await self._loaded()
        async with self._lock:
            ids[session_id] = agent_id
            await asyncio.to_thread(self._write, dict(ids))

    async def forget(self, session_id: str) -> None:
        """Remove a session. Harmless when it has no id."""
        ids = await self._loaded()
        async with self._lock:
            if ids.pop(session_id, None) is not None:
                await asyncio.to_thread(self._write, dict(ids))

    async def _loaded(self) -> dict[str, str]:
        async with self._lock:
            if self._ids is None:
                self._ids = await asyncio.to_thread(self._read)
            return self._ids

    def _path(self) -> Path:
        return self._context.paths.ensure_state_folder() / FILE

    def _read(self) -> dict[str, str]:
        try:
            entries = json.loads(self._path().read_text())
        except (OSError, ValueError):
            # without the file the agent's sessions can't be resumed; they start anew
            return {}
        if not isinstance(entries, dict):
            return {}
        return {str(key): str(value) for key, value in entries.items()}  # pyright: ignore

    def _write(self, ids: dict[str, str]) -> None:
        path = self._path()
        # renamed over the old file, so that a crash leaves one of the two whole
        new_path = path.with_suffix(".new")
        new_path.write_text(json.dumps(ids))
        new_path.replace(path)
