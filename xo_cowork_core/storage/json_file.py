"""One JSON object in a private file that is replaced as a whole."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias, cast

from xo_cowork_core.storage.atomic import write_atomic
from xo_cowork_core.storage.state_folder import StateFolderError, make_private_folder

JsonObject: TypeAlias = dict[str, object]
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class JsonFileContent:
    """What a file holds; nothing when it is absent.

    `set_aside` is where a damaged file was moved to, and `problem` what was wrong with it.
    """

    value: JsonObject = field(default_factory=dict[str, object])
    set_aside: Path | None = None
    problem: str = ""


class JsonFile:
    """A file of mode 0600 in a folder of mode 0700. Every method blocks.

    `version` is the newest that this server knows of the file's `version`; None for a file whose
    owner looks at that itself.
    """

    def __init__(self, path: Path, *, version: int | None = None) -> None:
        self.path = path
        self._version = version

    def read(self) -> JsonFileContent:
        """Return the content. A damaged file is renamed, so that no write replaces it.

        Raises OSError when the file can be neither read nor renamed, and StateFolderError for a
        file of a newer server, which stays as it is.
        """
        try:
            value = _read_object(self.path)
        except FileNotFoundError:
            return JsonFileContent()
        except (OSError, ValueError, RecursionError) as error:
            return self.set_aside(_describe(error))
        with suppress(OSError):
            self.path.chmod(0o600)
        self._require_known(value.get("version"))
        return JsonFileContent(value)

    def _require_known(self, version: object) -> None:
        if self._version is None or not isinstance(version, int) or version <= self._version:
            return
        raise StateFolderError(
            f"{self.path} was written by a newer server (version {version}, this one knows "
            f"{self._version}): install that server, or move the file elsewhere"
        )

    def set_aside(self, problem: str) -> JsonFileContent:
        """Rename the file to `<name>.broken-<time>`. Raises OSError."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        target = self.path.with_name(f"{self.path.name}.broken-{moment}")
        self.path.rename(target)
        return JsonFileContent(set_aside=target, problem=problem)

    def write(self, value: JsonObject) -> None:
        """Replace the content, flushed to the disk. Raises OSError; then the old one is left."""
        make_private_folder(self.path.parent)
        write_atomic(self.path, json.dumps(value, ensure_ascii=False).encode())

    def delete(self) -> None:
        """Delete the file. Harmless when it is absent. Raises OSError."""
        self.path.unlink(missing_ok=True)


def _read_object(path: Path) -> JsonObject:
    # a pipe or device in the file's place must not block
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError("it is too large")
    value: object = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return cast("JsonObject", value)


def _describe(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    # the text of a JSON error quotes nothing of the file
    return "it is not valid JSON" if isinstance(error, json.JSONDecodeError) else str(error)
