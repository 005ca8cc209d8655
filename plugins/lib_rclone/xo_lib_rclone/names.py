"""Checks the names and paths that clients send, before anything is done with them.

A remote's name becomes a section of rclone's configuration and the start of its `fs` argument, in
which a connection string could name any file of this machine: only plain names pass.
"""

import re

from xo_cowork_core.sdk import BadRequest

REMOTE_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,31}")
UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_PATH_CHARACTERS = 2048
MAX_NAME_CHARACTERS = 255
# rclone writes `.` and `..` as full-width dots where a service has no such names
DOT_NAMES = frozenset({".", "..", "．", "．．"})  # noqa: RUF001  # the full-width dots are meant


def check_remote_name(name: str) -> str:
    """Return a remote's name. Raises BadRequest for anything but a plain name."""
    if not REMOTE_NAME.fullmatch(name):
        raise BadRequest(
            "A remote's name has up to 32 of the characters a-z, 0-9, _ and -, and does not start "
            "with -"
        )
    return name


def check_path(path: str) -> str:
    """Return a path inside a remote without slashes at its ends; empty for its root.

    Raises BadRequest for an empty segment, `.` and `..`, control characters, and what is too long.
    """
    inner = path if path == "//" else path.removeprefix("/").removesuffix("/")
    if len(inner) > MAX_PATH_CHARACTERS:
        raise BadRequest(f"A path has at most {MAX_PATH_CHARACTERS} characters")
    for segment in inner.split("/") if inner else ():
        _check_segment(segment, "path")
    return inner


def check_entry_path(path: str) -> str:
    """Return a path inside a remote that is not its root. Raises BadRequest as `check_path`."""
    inner = check_path(path)
    if not inner:
        raise BadRequest("The path must not be the root of the remote")
    return inner


def check_filename(name: str) -> str:
    """Return the name of a file: one segment of a path. Raises BadRequest."""
    if "/" in name:
        raise BadRequest("A filename has no slash; the folder is in `path`")
    _check_segment(name, "filename")
    return name


def check_upload_id(upload_id: str) -> str:
    """Return the id that a client chose for an upload. Raises BadRequest."""
    if not UPLOAD_ID.fullmatch(upload_id):
        raise BadRequest("An upload_id has up to 64 of the characters A-Z, a-z, 0-9, _ and -")
    return upload_id


def _check_segment(segment: str, what: str) -> None:
    if not segment:
        raise BadRequest(f"The {what} has an empty name in it")
    if segment in DOT_NAMES:
        raise BadRequest(f"The {what} must not contain . or ..")
    if len(segment) > MAX_NAME_CHARACTERS:
        raise BadRequest(f"A name in the {what} has at most {MAX_NAME_CHARACTERS} characters")
    if any(_is_control(character) for character in segment):
        raise BadRequest(f"The {what} contains a control character")


def _is_control(character: str) -> bool:
    code = ord(character)
    # C0, DEL and C1, and halves of surrogate pairs, which are not Unicode text
    return code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000
