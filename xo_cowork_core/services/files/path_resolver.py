"""From what a client sent to a place that may be touched, and from what went wrong to an error."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from xo_cowork_core.sdk import BadRequest, Conflict, Forbidden, NotFound, Unavailable
from xo_cowork_core.storage.beneath import Beneath
from xo_cowork_core.storage.paths import MalformedPathError, OutsideError, expand

ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
# EFBIG: the file would pass the limit of the process or the file system
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
LONG = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})


class PathResolver:
    """The home folder of one user, and what of it may be reached."""

    def __init__(self, home: Path, beneath: Beneath) -> None:
        self.home = home
        self.beneath = beneath

    def path(self, text: str | None) -> Path:
        """Read a path that must be there. Raises BadRequest."""
        if not text:
            raise BadRequest("Missing path")
        return self.path_or_home(text)

    def path_or_home(self, text: str | None) -> Path:
        """Read a path; none is the home folder. Raises BadRequest."""
        try:
            return expand(text, self.home) if text else self.home
        except MalformedPathError:
            raise _malformed() from None


@contextmanager
def translate_os_errors(missing: str, denied: str = "Access denied") -> Generator[None]:
    """Turn what storage raises into errors for people; `missing` and `denied` are their texts."""
    try:
        yield
    except MalformedPathError:
        raise _malformed() from None
    except (OutsideError, PermissionError):
        raise Forbidden(denied) from None
    except ABSENT:
        raise NotFound(missing) from None
    except FileExistsError:
        raise Conflict("A file stands where a folder is needed") from None
    except OSError as error:
        if error.errno in FULL:
            raise Unavailable("There is no space left on the disk") from None
        if error.errno in LONG:
            raise _malformed() from None
        if error.errno == errno.EROFS:
            raise Forbidden(denied) from None
        raise


def _malformed() -> BadRequest:
    return BadRequest(
        "A path must be absolute or begin with ~/, be no longer than names may, and lead to names"
        " in Unicode"
    )
