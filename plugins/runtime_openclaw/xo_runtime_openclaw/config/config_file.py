"""OpenClaw's configuration file: read, and changed so that it is whole at every moment.

Every write keeps what was there in `.bak`, `.bak.1`, `.bak.2` beside it, as OpenClaw's own do.
The gateway and `openclaw` write this file too: a change that finds the file changed since it was
read starts again.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from xo_cowork_core.sdk import Conflict, Json, Unavailable
from xo_runtime_openclaw.config.json5_edit import Edit, apply_to_text, apply_to_value
from xo_runtime_openclaw.json5_reader import Json5Error, read_json5

BACKUPS = (".bak", ".bak.1", ".bak.2")
MAX_BYTES = 8 * 1024 * 1024
MODE = 0o600
Plan: TypeAlias = Callable[[Json], Sequence[Edit]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A change that was not written yet: the text it was made of, the new text and meaning."""

    before: str | None
    text: str
    config: Json


class ConfigFile:
    """One file; `fresh` is what a new one begins with. Everything here blocks: call it off the
    event loop."""

    def __init__(self, path: Path, fresh: Json) -> None:
        self._named = path
        self._fresh = fresh

    @property
    def path(self) -> Path:
        """The file itself, behind a link where there is one."""
        return self._named.resolve() if self._named.is_symlink() else self._named

    def read(self) -> Json:
        """Return what it says, empty when there is none. Raises Unavailable."""
        text = self._text()
        return {} if text is None else _meaning(text)

    def draft(self, plan: Plan) -> Draft | None:
        """Work out a change; None when there is nothing to change."""
        before = self._text()
        text = json.dumps(self._fresh, indent=2) + "\n" if before is None else before
        config = _meaning(text)
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
        return Draft(before, changed, meaning)

    def write(self, draft: Draft) -> bool:
        """Put a draft in place; False when the file has changed meanwhile. Raises Unavailable."""
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
        places = [self.path.with_name(self.path.name + end) for end in BACKUPS]
        for older, newer in zip(reversed(places[1:]), reversed(places[:-1]), strict=True):
            # a second name, not a move: at no moment is the newest backup missing
            with suppress(FileNotFoundError), _spare(older) as spare:
                os.link(newer, spare)
                spare.replace(older)
        _replace(places[0], text)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other servers of ours out; the lock's file has no content and stays."""
        lock = self.path.with_name(f".{self.path.name}.xo-lock")
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _meaning(text: str) -> Json:
    try:
        config = read_json5(text)
    except Json5Error as error:
        raise Unavailable(f"openclaw.json cannot be understood: {error}") from None
    if not isinstance(config, dict):
        raise Unavailable("openclaw.json is no object")
    return config


def _replace(path: Path, text: str) -> None:
    with _spare(path) as fresh:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)


@contextmanager
def _spare(path: Path) -> Iterator[Path]:
    """Give a name beside `path` that nothing has, and nothing keeps."""
    spare = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        yield spare
    finally:
        with suppress(OSError):
            spare.unlink(missing_ok=True)
