"""Turns the text that a client sent into a path."""

from pathlib import Path

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.files.os_errors import malformed_path
from xo_cowork_core.storage.paths import MalformedPathError, expand
from xo_cowork_core.storage.rooted_fs import RootedFs


class PathResolver:
    """One user's home folder, and the part of the file system that may be reached."""

    def __init__(self, home: Path, fs: RootedFs) -> None:
        self.home = home
        self.fs = fs

    def path(self, text: str | None) -> Path:
        """Return a required path. Raises BadRequest."""
        if not text:
            raise BadRequest("Missing path")
        return self.path_or_home(text)

    def path_or_home(self, text: str | None) -> Path:
        """Return a path, by default the home folder. Raises BadRequest."""
        try:
            return expand(text, self.home) if text else self.home
        except MalformedPathError:
            raise malformed_path() from None
