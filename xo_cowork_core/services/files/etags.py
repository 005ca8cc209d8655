"""Entity tags: short hashes of a file's content, for `ETag` and `If-Match`."""

import hashlib
from collections.abc import Callable

from xo_cowork_core.storage.folder_handle import RegularFile

CHUNK_BYTES = 1 << 20
# larger than a request body may be: no client was given the tag of a larger file
MAX_TAGGED_BYTES = 64 << 20


def etag_of(content: bytes) -> str:
    """Return the `ETag` of a content."""
    return _quoted(hashlib.sha256(content).hexdigest())


def hash_of(file: RegularFile, size: int, check: Callable[[], None] = lambda: None) -> str:
    """Return the SHA-256, in hex, of the next `size` bytes of a file.

    `check` is called before each chunk, and may raise to stop.
    """
    digest = hashlib.sha256()
    while size > 0 and (chunk := file.read(min(size, CHUNK_BYTES))):
        check()
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()


def matches(file: RegularFile, if_match: str) -> bool:
    """Return whether an `If-Match` header names the file's tag, or any."""
    tags = [part.strip() for part in if_match.split(",")]
    if "*" in tags:
        return True
    size = file.size
    return size <= MAX_TAGGED_BYTES and _quoted(hash_of(file, size)) in tags


def _quoted(digest: str) -> str:
    return f'"{digest[:32]}"'
