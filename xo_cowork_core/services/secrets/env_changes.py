"""Reads and changes env files for the services, with errors that a client may see. All block."""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import BadRequest, Conflict, Unavailable, XoError
from xo_cowork_core.services.secrets.audit import AuditEntry, SecretAudit
from xo_cowork_core.services.secrets.entry_rules import require_entry
from xo_cowork_core.storage.env_lines import EnvDocument
from xo_cowork_core.storage.env_quoting import EnvFileError
from xo_cowork_core.storage.envfile import EnvFileContent, change_env_file, read_env_file


class EnvChange(NamedTuple):
    """A change of an env file, with what the audit log says of it.

    `edit` may raise an XoError, and has changed nothing then.
    """

    edit: Callable[[EnvDocument], None]
    audit_entry: AuditEntry


def read_content(file: Path) -> EnvFileContent:
    """Return the entries of an env file. Raises Unavailable when it cannot be read."""
    with _translated("read"):
        return read_env_file(file)


def change_entries(
    file: Path, values: Mapping[str, SecretStr], deleted: Collection[str] = ()
) -> None:
    """Set and delete entries of a file; other lines stay as they are.

    Raises Unavailable when the file cannot be written, Conflict when another line prevents it.
    """

    def change(text: str) -> str:
        document = EnvDocument(text)
        document.delete(deleted)
        document.set(reveal(values))
        return document.text()

    with _translated("written"):
        change_env_file(file, change)


def commit_changes(
    file: Path, changes: Sequence[EnvChange], audit: SecretAudit
) -> Sequence[XoError | None]:
    """Make several changes of a file in one write; return the error of each, or None."""
    errors: list[XoError | None] = []

    def change_all(text: str) -> str:
        document = EnvDocument(text)
        errors.extend(_try(change.edit, document) for change in changes)
        after = document.text()
        # what is not recorded must not happen
        pairs = zip(changes, errors, strict=True)
        audit.record([change.audit_entry for change, error in pairs if error is None])
        return after

    try:
        with _translated("written"):
            change_env_file(file, change_all)
    except Conflict as error:
        if len(changes) == 1:
            return [error]
        # one of them is behind an open quote: the others go on without it
        return [commit_changes(file, [change], audit)[0] for change in changes]
    except XoError as error:
        return [error] * len(changes)
    return errors


def checked_replacement(
    entries: Sequence[tuple[str, SecretStr]], current: Mapping[str, str]
) -> dict[str, SecretStr]:
    """Return the entries of a client that replace those of a file, without empty keys.

    Raises BadRequest, naming the entry, for a key that comes twice and for an entry that must not
    be written. One that the file has already may stay, whatever wrote it.
    """
    values: dict[str, SecretStr] = {}
    for number, (key, secret) in enumerate(entries, start=1):
        if not key:
            continue
        if key in values:
            raise BadRequest(f"Entry {number}: {key} comes twice")
        value = secret.get_secret_value()
        if current.get(key) != value:
            require_entry(key, value, f"Entry {number}")
        values[key] = secret
    return values


def reveal(values: Mapping[str, SecretStr]) -> dict[str, str]:
    """Return the values, to be written."""
    return {key: secret.get_secret_value() for key, secret in values.items()}


def _try(edit: Callable[[EnvDocument], None], document: EnvDocument) -> XoError | None:
    try:
        edit(document)
    except XoError as error:
        return error
    return None


@contextmanager
def _translated(action: str) -> Generator[None]:
    try:
        yield
    except EnvFileError as error:
        raise Conflict(str(error)) from None
    except OSError as error:
        # only the system's words: the text of other errors has the path
        reason = error.strerror or str(error)
        raise Unavailable(f"The env file cannot be {action}: {reason}") from None
