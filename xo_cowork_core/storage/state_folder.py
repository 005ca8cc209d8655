"""Creates the state folder, and lets one server at a time use it."""

import fcntl
import os
from pathlib import Path

LOCK_NAME = "server.lock"


class StateFolderError(Exception):
    """The state folder cannot be used; the text is one line for a person."""


class StateLock:
    """A context manager that creates the state folder and keeps other servers out of it.

    The kernel releases the lock when the process ends.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1

    def __enter__(self) -> None:
        make_state_folder(self._folder)
        try:
            self._descriptor = os.open(self._folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(self._folder, error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise StateFolderError(
                f"another server uses the state folder {self._folder}: "
                "stop it, or set XO_STATE_DIR to another folder"
            ) from None
        except OSError as error:
            os.close(self._descriptor)
            raise _unusable(self._folder, error) from error

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def make_state_folder(folder: Path) -> Path:
    """Create a state folder when absent. Raises StateFolderError."""
    try:
        return make_private_folder(folder)
    except OSError as error:
        raise _unusable(folder, error) from error


def make_private_folder(folder: Path) -> Path:
    """Create a folder of mode 0700, or set that mode on an existing one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _unusable(folder: Path, error: OSError) -> StateFolderError:
    return StateFolderError(
        f"the state folder {folder} can't be used: {error.strerror or error}; "
        "XO_STATE_DIR names another"
    )
