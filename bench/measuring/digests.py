"""Digests of the texts that the fakes of `bench/cli` print, computed independently."""

import hashlib


def digest_of_pour(count: int, size: int) -> str:
    """Return the digest of the text of `pour COUNT SIZE …`."""
    text = hashlib.sha256()
    for number in range(count):
        text.update(f"{number} ".ljust(size, "x").encode())
    return text.hexdigest()


def digest_of(text: str) -> str:
    """Return the digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
