"""What the stand-ins of `bench/cli` say, computed apart from them."""

import hashlib


def poured(count: int, size: int) -> str:
    """Return the digest of the text of `pour COUNT SIZE …`."""
    text = hashlib.sha256()
    for number in range(count):
        text.update(f"{number} ".ljust(size, "x").encode())
    return text.hexdigest()


def said(text: str) -> str:
    """Return the digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
