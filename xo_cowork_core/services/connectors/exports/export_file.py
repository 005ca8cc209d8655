"""One file in the state folder, mode 0600, that other programs read and may change."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from xo_cowork_core.services.connectors.exports.documents import (
    Document,
    DocumentError,
    EncryptedError,
    IniDocument,
)
from xo_cowork_core.services.connectors.exports.json_document import JsonDocument
from xo_cowork_core.storage.atomic import write_atomic

MAX_BYTES = 4 << 20
MODE = 0o600


class ExportError(Exception):
    """A file can't be read or written; the text is one sentence for people."""


class ExportFile:
    """Reads and replaces one file. Every method blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._old: bytes | None = None
        self._is_private = False

    def read(self) -> Document:
        """Return the content; that of an empty file where there is none.

        Raises DocumentError when it is damaged, ExportError when it can't be read.
        """
        try:
            # a pipe in the file's place must not block
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._path, flags)
        except FileNotFoundError:
            return self._parse("")
        except OSError as error:
            raise self._error(error) from None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ExportError(f"{self._path.name} is no plain file: move it elsewhere.")
            try:
                data = file.read(MAX_BYTES + 1)
            except OSError as error:
                raise self._error(error) from None
        if len(data) > MAX_BYTES:
            raise ExportError(f"{self._path.name} is too large: move it elsewhere.")
        self._old = data
        self._is_private = stat.S_IMODE(status.st_mode) & 0o177 == 0
        return self._parse(self._decode(data))

    def set_aside(self) -> str:
        """Rename a damaged file and return its new name. Raises ExportError."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        target = self._path.with_name(f"{self._path.name}.broken-{moment}")
        try:
            self._path.rename(target)
            target.chmod(MODE)
        except OSError as error:
            raise self._error(error) from None
        self._old = None
        return target.name

    def write(self, document: Document) -> None:
        """Replace the file if its content changes, delete it when nothing is left in it.

        Raises ExportError; then the file is as it was.
        """
        data = document.text().encode(errors="surrogateescape")
        try:
            if document.is_empty:
                self._path.unlink(missing_ok=True)
            elif data != self._old:
                write_atomic(self._path, data, mode=MODE)
            elif not self._is_private:
                self._path.chmod(MODE)
        except OSError as error:
            raise self._error(error) from None

    @property
    def is_json(self) -> bool:
        """Whether it is a file of members, in which people keep nothing of their own."""
        return self._path.suffix == ".json"

    def _decode(self, data: bytes) -> str:
        try:
            return data.decode(errors="strict" if self.is_json else "surrogateescape")
        except UnicodeDecodeError:
            raise DocumentError("it is not UTF-8") from None

    def _parse(self, text: str) -> Document:
        try:
            return JsonDocument(text) if self.is_json else IniDocument(text)
        except EncryptedError:
            raise ExportError(
                f"{self._path.name} is encrypted with a password, so it is left as it is."
            ) from None

    def _error(self, error: OSError) -> ExportError:
        reason = error.strerror or type(error).__name__
        return ExportError(f"{self._path.name} can't be written: {reason}.")
