"""The secrets of a plugin: its env file and the declared part of the server's environment."""

from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk import BadRequest, Unavailable
from xo_cowork_core.storage.envfile import EnvFileError, read_env_file, write_env_entries


class EnvFileSecrets:
    """The secrets of one plugin; the file is read at each call.

    Only the keys that the plugin declares are taken from the server's environment, so that
    nothing else reaches its agents.
    """

    def __init__(
        self, file: Path, *, keys: Collection[str], environment: Mapping[str, str]
    ) -> None:
        self.file = file
        self._inherited = {key: SecretStr(environment[key]) for key in keys if environment.get(key)}

    def environment(self) -> Mapping[str, SecretStr]:
        """Return all entries; the file's override the environment's. Blocks."""
        entries = read_env_file(self.file)
        return self._inherited | {key: SecretStr(value) for key, value in entries.items()}

    def store(self, values: Mapping[str, SecretStr]) -> None:
        """Write entries into the file, all or none. Raises BadRequest, Unavailable. Blocks."""
        revealed = {key: secret.get_secret_value() for key, secret in values.items()}
        try:
            write_env_entries(self.file, revealed)
        except EnvFileError as error:
            raise BadRequest(str(error)) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable(f"The env file cannot be written: {reason}") from None
