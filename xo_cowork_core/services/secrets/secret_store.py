"""Keys in env files as clients see and change them: checked, serialised, recorded in the audit log.

Plugins reach their own keys by `EnvFileSecrets`, over the same files and locks.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk import Conflict, NotFound
from xo_cowork_core.services.secrets.audit import AuditEntry, Caller, SecretAudit
from xo_cowork_core.services.secrets.change_queue import ChangeQueue
from xo_cowork_core.services.secrets.entry_rules import require_entry
from xo_cowork_core.services.secrets.env_changes import (
    EnvChange,
    checked_replacement,
    read_content,
    reveal,
)
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.services.secrets.secret_files import SecretFiles
from xo_cowork_core.storage.env_lines import EnvDocument
from xo_cowork_core.storage.envfile import EnvFileContent


class SecretStore:
    """The keys of one server's runtimes.

    Every method takes the runtime's name; without it, the active file is meant. `on_change` is
    called after each change, with the runtimes whose agents may get the keys.
    """

    def __init__(
        self,
        files: SecretFiles,
        audit: SecretAudit,
        redactor: SecretRedactor,
        *,
        on_change: Callable[[Sequence[str]], None],
    ) -> None:
        self._files = files
        self._audit = audit
        self._redactor = redactor
        self._on_change = on_change
        self._queue = ChangeQueue(audit, on_written=self._report)

    async def list(self, agent_name: str | None = None) -> EnvFileContent:
        """Return the entries of a file, for masking: no value of it may leave the server.

        Raises Unavailable when the file cannot be read.
        """
        file = await self._files.find(agent_name)
        return await asyncio.to_thread(read_content, file)

    async def reveal_all(
        self, caller: Caller, agent_name: str | None = None
    ) -> Mapping[str, SecretStr]:
        """Return every entry, for the client. Raises Conflict for a value that is not text."""
        file = await self._files.find(agent_name)

        def read() -> Mapping[str, SecretStr]:
            content = read_content(file)
            if content.damaged:
                raise _damaged(min(content.damaged))
            self._audit.record([AuditEntry(caller, "reveal", file, list(content.entries))])
            return {key: SecretStr(value) for key, value in content.entries.items()}

        return await asyncio.to_thread(read)

    async def reveal(self, key: str, caller: Caller, agent_name: str | None = None) -> SecretStr:
        """Return one value, for the client. Raises NotFound for a key that is not in the file."""
        file = await self._files.find(agent_name)

        def read() -> SecretStr:
            content = read_content(file)
            if key in content.damaged:
                raise _damaged(key)
            if key not in content.entries:
                raise _missing(key)
            self._audit.record([AuditEntry(caller, "reveal", file, [key])])
            return SecretStr(content.entries[key])

        return await asyncio.to_thread(read)

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

        def change(document: EnvDocument) -> None:
            document.set(reveal(values))

        await self._queue.commit(
            file, EnvChange(change, AuditEntry(caller, "set", file, list(values)))
        )

    async def delete_in(self, file: Path, keys: Sequence[str], caller: Caller) -> None:
        """Delete some keys from one env file; absent ones are ignored."""

        def delete(document: EnvDocument) -> None:
            document.delete(keys)

        await self._queue.commit(
            file, EnvChange(delete, AuditEntry(caller, "delete", file, list(keys)))
        )

    async def delete(self, key: str, caller: Caller, agent_name: str | None = None) -> None:
        """Delete a key from the file. Raises NotFound for one that is not there."""
        file = await self._files.find(agent_name)

        def delete(document: EnvDocument) -> None:
            if key not in document.entries():
                raise _missing(key)
            document.delete([key])

        await self._queue.commit(file, EnvChange(delete, AuditEntry(caller, "delete", file, [key])))

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
        keys = list(dict.fromkeys(key for key, _ in entries if key))

        def replace(document: EnvDocument) -> None:
            current = document.entries()
            values = checked_replacement(entries, current)
            self._redactor.add(values.values())
            document.delete(current.keys() - values.keys())
            document.set(reveal(values))

        await self._queue.commit(
            file, EnvChange(replace, AuditEntry(caller, "replace", file, keys))
        )

    def _report(self, file: Path, changes: Sequence[EnvChange]) -> None:
        for entry in (change.audit_entry for change in changes):
            # a key that a replacement removed is not among its keys
            keys = None if entry.action == "replace" else entry.keys
            self._on_change(self._files.runtimes_with(file, keys))


def _missing(key: str) -> NotFound:
    return NotFound(f"There is no secret {key}.")


def _damaged(key: str) -> Conflict:
    return Conflict(f"The value of {key} is not UTF-8 text: set it again, or delete it.")
