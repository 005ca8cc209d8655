"""Keys in env files as clients see and change them: checked, serialised, recorded in the audit log.

Plugins reach their own keys by `EnvFileSecrets`, over the same files and locks.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk import Conflict, NotFound, Unavailable
from xo_cowork_core.services.secrets.audit import Action, Caller, SecretAudit
from xo_cowork_core.services.secrets.entry_rules import require_entry
from xo_cowork_core.services.secrets.env_changes import (
    change_entries,
    checked_replacement,
    read_content,
    replace_entries,
)
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.services.secrets.secret_files import SecretFiles
from xo_cowork_core.storage.envfile import EnvFileContent

WAIT_SECONDS = 10.0


class SecretStore:
    """The keys of one server's runtimes.

    Every method takes the runtime's name; without it, the active file is meant. Changes wait for
    each other here and not in threads, which other requests need. `on_change` is called after each
    change, so that nothing goes on with the old value.
    """

    def __init__(
        self,
        files: SecretFiles,
        audit: SecretAudit,
        redactor: SecretRedactor,
        *,
        on_change: Callable[[], None],
    ) -> None:
        self._files = files
        self._audit = audit
        self._redactor = redactor
        self._on_change = on_change
        self._lock = asyncio.Lock()

    async def list(self, agent_name: str | None = None) -> EnvFileContent:
        """Return the entries of a file, for masking: no value of it may leave the server.

        Raises Unavailable when the file cannot be read.
        """
        file = await self._files.find(agent_name)
        return await asyncio.to_thread(read_content, file)

    async def read(self, key: str, agent_name: str | None = None) -> SecretStr | None:
        """Return a key's value for use in the server, None where it has none."""
        content = await self.list(agent_name)
        value = content.entries.get(key)
        return SecretStr(value) if value else None

    async def reveal_all(
        self, caller: Caller, agent_name: str | None = None
    ) -> Mapping[str, SecretStr]:
        """Return every entry, for the client. Raises Conflict for a value that is not text."""
        file = await self._files.find(agent_name)
        content = await asyncio.to_thread(read_content, file)
        for key in sorted(content.damaged):
            raise _damaged(key)
        await self._record(caller, "reveal", file, list(content.entries))
        return {key: SecretStr(value) for key, value in content.entries.items()}

    async def reveal(self, key: str, caller: Caller, agent_name: str | None = None) -> SecretStr:
        """Return one value, for the client. Raises NotFound for a key that is not in the file."""
        file = await self._files.find(agent_name)
        content = await asyncio.to_thread(read_content, file)
        if key in content.damaged:
            raise _damaged(key)
        if key not in content.entries:
            raise NotFound(f"There is no secret {key}.")
        await self._record(caller, "reveal", file, [key])
        return SecretStr(content.entries[key])

    async def set(
        self, values: Mapping[str, SecretStr], caller: Caller, agent_name: str | None = None
    ) -> None:
        """Set some keys, all or none; missing ones are created, other lines stay as they are.

        Raises BadRequest for a name or value that must not be written, Unavailable when the file
        cannot be written.
        """
        await self.set_in(await self._files.find(agent_name), values, caller)

    async def set_in(self, file: Path, values: Mapping[str, SecretStr], caller: Caller) -> None:
        """Set some keys of one env file, as `set` does."""
        for key, secret in values.items():
            require_entry(key, secret.get_secret_value())
        self._redactor.add(values.values())
        async with self._changing():
            await self._record(caller, "set", file, list(values))
            await asyncio.to_thread(change_entries, file, values)

    async def delete(self, key: str, caller: Caller, agent_name: str | None = None) -> None:
        """Delete a key from the file. Raises NotFound for one that is not there."""
        file = await self._files.find(agent_name)
        async with self._changing():
            content = await asyncio.to_thread(read_content, file)
            if key not in content.entries and key not in content.damaged:
                raise NotFound(f"There is no secret {key}.")
            await self._record(caller, "delete", file, [key])
            await asyncio.to_thread(change_entries, file, {}, [key])

    async def replace(
        self,
        entries: Sequence[tuple[str, SecretStr]],
        caller: Caller,
        agent_name: str | None = None,
    ) -> None:
        """Make these the entries of the file. Comments stay, and so do lines that do not change.

        What the file has already is not checked. Raises BadRequest for another entry that must not
        be written, and then nothing is.
        """
        file = await self._files.find(agent_name)
        async with self._changing():
            content = await asyncio.to_thread(read_content, file)
            values = checked_replacement(entries, content.entries)
            self._redactor.add(values.values())
            await self._record(caller, "replace", file, list(values))
            await asyncio.to_thread(replace_entries, file, values)

    async def _record(
        self, caller: Caller, action: Action, file: Path, keys: Sequence[str]
    ) -> None:
        await asyncio.to_thread(self._audit.record, caller, action, str(file), keys)

    @asynccontextmanager
    async def _changing(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._lock.acquire()
        except TimeoutError:
            raise Unavailable("Other changes of secrets still run", retry_after=5) from None
        try:
            yield
        finally:
            self._lock.release()
            self._on_change()


def _damaged(key: str) -> Conflict:
    return Conflict(f"The value of {key} is not UTF-8 text: set it again, or delete it.")
