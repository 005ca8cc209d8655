"""OpenClaw's configuration file: read it, and replace it atomically.

Every write keeps the previous texts in `.bak`, `.bak.1` and `.bak.2`, as OpenClaw does. The
gateway and `openclaw` write the same file: an edit starts again when the file has changed.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

from xo_cowork_core.sdk import Conflict, Json, Unavailable
from xo_runtime_openclaw.config.json5_edit import Edit, apply_to_text, apply_to_value
from xo_runtime_openclaw.json5_reader import Json5Error, read_json5

BACKUPS = (".bak", ".bak.1", ".bak.2")
MAX_BYTES = 8 * 1024 * 1024
MODE = 0o600
Plan: TypeAlias = Callable[[Json], Sequence[Edit]]


class ConfigDraft(NamedTuple):
    """An edit that is not written yet: the old text, the new text and its value."""

    before: str | None
    text: str
    config: Json


class ConfigFile:
    """One file; `new` is the content of a new one. All methods block."""

    def __init__(self, path: Path, new: Json) -> None:
        self._named = path
        self._new_content = new

    @property
    def path(self) -> Path:
        """The file itself, behind a symbolic link if there is one."""
        return self._named.resolve() if self._named.is_symlink() else self._named

    def read(self) -> Json:
        """Return the value, empty when there is no file. Raises Unavailable."""
        text = self._text()
        return {} if text is None else _parse_config(text)

    def draft(self, plan: Plan) -> ConfigDraft | None:
        """Return the draft of an edit; None when there is nothing to change."""
        before = self._text()
        text = json.dumps(self._new_content, indent=2) + "\n" if before is None else before
        config = _parse_config(text)
        edits = plan(config)
        if not edits:
            return None
        try:
            changed = apply_to_text(text, edits)
            meaning = read_json5(changed)
        except Json5Error as error:
            raise Conflict(f"openclaw.json is not as expected: {error}") from None
        if not isinstance(meaning, dict) or meaning != apply_to_value(config, edits):
            raise Conflict("openclaw.json could not be changed without harm to the rest of it")
        return ConfigDraft(before, changed, meaning)

    def write(self, draft: ConfigDraft) -> bool:
        """Write a draft; False when the file has changed meanwhile. Raises Unavailable."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                if self._text() != draft.before:
                    return False
                if draft.before is not None:
                    self._back_up(draft.before)
                _replace(self.path, draft.text)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable(f"openclaw.json cannot be written: {reason}") from None
        return True

    def _text(self) -> str | None:
        try:
            body = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable(f"openclaw.json cannot be read: {reason}") from None
        if len(body) > MAX_BYTES:
            raise Unavailable("openclaw.json is too large to be read")
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise Unavailable("openclaw.json is not UTF-8") from None

    def _back_up(self, text: str) -> None:
        backups = [self.path.with_name(self.path.name + end) for end in BACKUPS]
        for older, newer in zip(reversed(backups[1:]), reversed(backups[:-1]), strict=True):
            # a link, not a rename: the newest backup exists at every moment
            with suppress(FileNotFoundError), _temporary_path(older) as temporary:
                os.link(newer, temporary)
                temporary.replace(older)
        _replace(backups[0], text)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Exclude other servers; the empty lock file stays."""
        lock = self.path.with_name(f".{self.path.name}.xo-lock")
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _parse_config(text: str) -> Json:
    try:
        config = read_json5(text)
    except Json5Error as error:
        raise Unavailable(f"openclaw.json cannot be understood: {error}") from None
    if not isinstance(config, dict):
        raise Unavailable("openclaw.json is no object")
    return config


def _replace(path: Path, text: str) -> None:
    with _temporary_path(path) as new:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


@contextmanager
def _temporary_path(path: Path) -> Iterator[Path]:
    """Return an unused path beside `path`; it is removed at the end."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
