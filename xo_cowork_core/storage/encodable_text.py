"""Texts that files, SQLite and HTTP can hold."""


def encodable(text: str) -> str:
    """Return a text that can be encoded: half of a surrogate pair becomes `?`."""
    return text.encode("utf-8", "replace").decode()
