"""Translates errors of the operating system and of `storage` to errors for clients.

This is the only such table: every service that accesses the disk for a client uses it.
"""

import errno
from collections.abc import Generator
from contextlib import contextmanager

from xo_cowork_core.sdk import BadRequest, Conflict, Forbidden, NotFound, Unavailable, XoError
from xo_cowork_core.storage.folder_handle import NotRegularFileError, SymlinkError
from xo_cowork_core.storage.paths import MalformedPathError, OutsideError

MALFORMED = (
    "A path must be absolute or begin with ~/, be no longer than names may, and lead to names"
    " in Unicode"
)
DENIED = "Access denied"
CONFLICT = "A file is in the place of a folder"
NO_SPACE = "There is no space left on the disk"
NOT_FOUND_ERRORS = (
    FileNotFoundError,
    NotADirectoryError,
    IsADirectoryError,
    NotRegularFileError,
)
DENIED_ERRORS = (PermissionError, SymlinkError)
# EFBIG: the file would pass the limit of the process or of the file system
NO_SPACE_CODES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
MALFORMED_CODES = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})


def malformed_path(text: str = MALFORMED) -> BadRequest:
    """Return the error for a path that cannot be one."""
    return BadRequest(text)


@contextmanager
def translate_os_errors(
    missing: str | None,
    denied: str | None = DENIED,
    *,
    conflict: str | None = CONFLICT,
    malformed: str = MALFORMED,
    unusable: str | None = None,
) -> Generator[None]:
    """Raise what storage raises as an error for clients, with these texts.

    A kind of error whose text is None, and every other OSError, becomes Unavailable with the text
    `unusable` and the system's reason; where that is None, too, it passes unchanged.
    """
    try:
        yield
    except MalformedPathError:
        raise malformed_path(malformed) from None
    except OutsideError:
        raise Forbidden(denied or DENIED) from None
    except OSError as error:
        translated = _translated(error, missing, denied, conflict, malformed)
        if translated is None and unusable is not None:
            reason = error.strerror or type(error).__name__
            translated = Unavailable(f"{unusable}: {reason}")
        if translated is None:
            raise
        raise translated from error


def _translated(
    error: OSError, missing: str | None, denied: str | None, conflict: str | None, malformed: str
) -> XoError | None:
    if isinstance(error, NOT_FOUND_ERRORS):
        return NotFound(missing) if missing else None
    if isinstance(error, DENIED_ERRORS) or error.errno == errno.EROFS:
        return Forbidden(denied) if denied else None
    if isinstance(error, FileExistsError):
        return Conflict(conflict) if conflict else None
    if error.errno in NO_SPACE_CODES:
        return Unavailable(NO_SPACE)
    if error.errno in MALFORMED_CODES:
        return malformed_path(malformed)
    return None
