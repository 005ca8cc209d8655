"""One server at a time on a state folder."""

from pathlib import Path

from filelock import FileLock, Timeout

LOCK_NAME = "server.lock"


class StateFolderError(Exception):
    """The state folder can't be used; the text is one line for a person."""


class StateLock:
    """Holds the state folder while entered: makes it, 0700, and keeps other servers out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / LOCK_NAME, timeout=0, mode=0o600)

    def __enter__(self) -> None:
        state_folder(self._folder)
        try:
            self._lock.acquire()
        except Timeout:
            raise StateFolderError(
                f"another server uses the state folder {self._folder}: "
                "stop it, or set XO_STATE_DIR to another folder"
            ) from None
        except OSError as error:
            raise _unusable(self._folder, error) from error

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def state_folder(folder: Path) -> Path:
    """Make a state folder, or see that it is there. Raises `StateFolderError`."""
    try:
        return private_folder(folder)
    except OSError as error:
        raise _unusable(folder, error) from error


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner can read, also when it was there with wider rights."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _unusable(folder: Path, error: OSError) -> StateFolderError:
    return StateFolderError(
        f"the state folder {folder} can't be used: {error.strerror or error}; "
        "XO_STATE_DIR names another"
    )
