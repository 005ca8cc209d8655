"""Reads and changes env files for the services, with errors that a client may see. All block."""

from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk import BadRequest, Conflict, Unavailable
from xo_cowork_core.services.secrets.entry_rules import require_entry
from xo_cowork_core.storage.env_lines import entries_of, with_entries, without_keys
from xo_cowork_core.storage.env_quoting import EnvFileError
from xo_cowork_core.storage.envfile import EnvFileContent, change_env_file, read_env_file


def read_content(file: Path) -> EnvFileContent:
    """Return the entries of an env file. Raises Unavailable when it cannot be read."""
    with _translated("read"):
        return read_env_file(file)


def change_entries(
    file: Path, values: Mapping[str, SecretStr], deleted: Collection[str] = ()
) -> None:
    """Set and delete entries; other lines stay as they are.

    Raises Unavailable when the file cannot be written, Conflict when another line prevents it.
    """
    revealed = {key: secret.get_secret_value() for key, secret in values.items()}
    with _translated("written"):
        change_env_file(file, lambda text: with_entries(without_keys(text, deleted), revealed))


def checked_replacement(
    entries: Sequence[tuple[str, SecretStr]], current: Mapping[str, str]
) -> dict[str, SecretStr]:
    """Return the entries of a client that replace those of a file, without empty keys.

    Raises BadRequest, naming the entry, for a key that comes twice and for an entry that must not
    be written. One that the file has already may stay, whatever wrote it.
    """
    values: dict[str, SecretStr] = {}
    for number, (key, secret) in enumerate(entries, start=1):
        if not key.strip():
            continue
        if key in values:
            raise BadRequest(f"Entry {number}: {key} comes twice")
        value = secret.get_secret_value()
        if current.get(key) != value:
            require_entry(key, value, f"Entry {number}")
        values[key] = secret
    return values


def replace_entries(file: Path, values: Mapping[str, SecretStr]) -> None:
    """Make these the entries of an env file. Raises as `change_entries` does."""
    revealed = {key: secret.get_secret_value() for key, secret in values.items()}
    with _translated("written"):
        change_env_file(file, lambda text: with_entries(_without_others(text, revealed), revealed))


def _without_others(text: str, wanted: Mapping[str, str]) -> str:
    return without_keys(text, entries_of(text).keys() - wanted.keys())


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
