"""A file that a prompt may be given, as uploads and attachments return it."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the workspace. `content_hash` is its SHA-256 in hex."""

    name: str
    path: Path
    size: int
    mime_type: str
    source: str
    content_hash: str

    @property
    def file_id(self) -> str:
        return self.content_hash[:16]


def type_of(name: str) -> str:
    """Guess a content type from a file's name."""
    kind, encoding = mimetypes.guess_type(name)
    # `a.tar.gz` is of the type of its packing: nobody unpacks it on the way
    return UNKNOWN_TYPE if encoding or not kind else kind
