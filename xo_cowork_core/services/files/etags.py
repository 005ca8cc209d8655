"""What a file's content was when somebody read it, in one short word."""

import hashlib
from typing import BinaryIO

CHUNK_BYTES = 1 << 20


def etag_of(body: bytes) -> str:
    """Return the `ETag` of a content."""
    return _quoted(hashlib.sha256(body).hexdigest())


def etag_of_file(file: BinaryIO) -> str:
    """Return the `ETag` of an open file's content."""
    return _quoted(hash_of(file))


def hash_of(file: BinaryIO) -> str:
    """Return the SHA-256 of what is left of an open file, piece by piece."""
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def is_among(etag: str, if_match: str) -> bool:
    """Whether an `If-Match` header names this tag, or any."""
    given = [part.strip() for part in if_match.split(",")]
    return "*" in given or etag in given


def _quoted(digest: str) -> str:
    return f'"{digest[:32]}"'
