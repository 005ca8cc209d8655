"""What a file's content was when somebody read it, in one short word."""

import hashlib
import os
from collections.abc import Callable
from typing import BinaryIO

CHUNK_BYTES = 1 << 20
# more than a body may have: nobody was given the tag of a larger file
MOST_TAGGED_BYTES = 64 << 20


def etag_of(body: bytes) -> str:
    """Return the `ETag` of a content."""
    return _quoted(hashlib.sha256(body).hexdigest())


def hash_of(file: BinaryIO, size: int, check: Callable[[], None] = lambda: None) -> str:
    """Return the SHA-256 of the next `size` bytes of an open file, piece by piece; `check` is
    called between them, and may raise."""
    digest = hashlib.sha256()
    while size > 0 and (chunk := file.read(min(size, CHUNK_BYTES))):
        check()
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()


def fits(file: BinaryIO, if_match: str) -> bool:
    """Whether an `If-Match` header names the tag of an open file, or any."""
    given = [part.strip() for part in if_match.split(",")]
    if "*" in given:
        return True
    size = os.fstat(file.fileno()).st_size
    return size <= MOST_TAGGED_BYTES and _quoted(hash_of(file, size)) in given


def _quoted(digest: str) -> str:
    return f'"{digest[:32]}"'
