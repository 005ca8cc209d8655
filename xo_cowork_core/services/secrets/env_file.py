"""The secrets of a plugin: its env file and the declared part of the server's environment."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk import BadRequest, Unavailable
from xo_cowork_core.services.secrets.entry_rules import require_entry
from xo_cowork_core.services.secrets.env_changes import change_entries, read_content
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.services.secrets.reserved_names import find_refusal


class EnvFileSecrets:
    """The secrets of one plugin; the file is read at each call.

    A plugin sees the keys that it declares, so that no other plugin's reach its agents. With
    `owns_file` it sees every entry of its file, which no other plugin named before it. Reserved
    names are never seen. The server's environment is read for declared keys alone.
    """

    def __init__(
        self,
        file: Path,
        *,
        keys: Collection[str],
        environment: Mapping[str, str],
        owns_file: bool = False,
        redactor: SecretRedactor | None = None,
    ) -> None:
        self.file = file
        self._keys = frozenset(keys)
        self._owns_file = owns_file
        self._redactor = redactor or SecretRedactor()
        self._inherited = {key: SecretStr(environment[key]) for key in keys if environment.get(key)}

    def environment(self) -> Mapping[str, SecretStr]:
        """Return the plugin's entries; the file's override the environment's. Blocks.

        A value that is not text is left out. Raises Unavailable when the file can't be read.
        """
        if not self._keys and not self._owns_file:
            # it works on beside a file that cannot be read
            return self._inherited
        entries = read_content(self.file).entries
        own = {key: SecretStr(value) for key, value in entries.items() if self._is_visible(key)}
        secrets = self._inherited | own
        self._redactor.add(secrets.values())
        return secrets

    def store(self, values: Mapping[str, SecretStr]) -> None:
        """Write entries into the file, all or none. Blocks.

        Raises BadRequest, Conflict, Unavailable.
        """
        for key, secret in values.items():
            require_entry(key, secret.get_secret_value())
        self._require_visible(values)
        self._redactor.add(values.values())
        change_entries(self.file, values)

    def delete(self, keys: Collection[str]) -> None:
        """Delete entries of the file. Raises BadRequest, Conflict, Unavailable. Blocks."""
        self._require_visible(keys)
        change_entries(self.file, {}, keys)

    def missing(self, required: Sequence[str]) -> Sequence[str]:
        """Return the keys that have no value; those of an unreadable file have none. Blocks."""
        if not required:
            return ()
        try:
            secrets = self.environment()
        except Unavailable:
            secrets = self._inherited
        return [key for key in required if key not in secrets or not secrets[key]]

    def _is_visible(self, key: str) -> bool:
        return (self._owns_file or key in self._keys) and not find_refusal(key)

    def _require_visible(self, keys: Iterable[str]) -> None:
        for key in keys:
            if refusal := find_refusal(key):
                raise BadRequest(f"{key} {refusal}")
            if not self._is_visible(key):
                raise BadRequest(f"{key} is no secret of this plugin: declare it in xo_secrets")
