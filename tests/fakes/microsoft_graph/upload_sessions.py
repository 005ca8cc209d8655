"""Upload sessions: a file that arrives in ranges, and exists when the last one is there."""

import re
import secrets
import threading
from dataclasses import dataclass, field

from xo_cowork_core.sdk.events.base import JsonValue

from .drive import Drive, DriveItem, GraphError
from .quick_xor_hash import QuickXorHash

CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
# Graph wants ranges of a multiple of this size, except for the last one
RANGE_UNIT = 320 << 10


@dataclass(slots=True)
class UploadSession:
    """A file that is being uploaded."""

    drive: Drive
    parent: DriveItem
    name: str
    file_system_info: dict[str, JsonValue]
    parts: list[bytes] = field(default_factory=list[bytes])
    hasher: QuickXorHash = field(default_factory=QuickXorHash)

    @property
    def received(self) -> int:
        """The number of bytes that have arrived."""
        return self.hasher.size

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self.hasher.update(data)
        if self.drive.keeps_content:
            self.parts.append(data)


class UploadSessions:
    """The open upload sessions, by their key in the upload URL."""

    def __init__(self) -> None:
        self.open: dict[str, UploadSession] = {}
        self.cancelled = 0
        self._lock = threading.Lock()

    def create(self, session: UploadSession) -> str:
        """Open a session and return its key."""
        key = secrets.token_urlsafe(16)
        with self._lock:
            self.open[key] = session
        return key

    def find(self, key: str) -> UploadSession:
        """Return an open session. Raises GraphError."""
        with self._lock:
            session = self.open.get(key)
        if session is None:
            raise GraphError(404, "itemNotFound", "The upload session was not found.")
        return session

    def cancel(self, key: str) -> None:
        """Close a session; what has arrived is forgotten."""
        self.find(key)
        with self._lock:
            del self.open[key]
            self.cancelled += 1

    def add(self, key: str, content_range: str, data: bytes) -> DriveItem | None:
        """Take a range; return the file when it was the last one. Raises GraphError."""
        session = self.find(key)
        match = CONTENT_RANGE.fullmatch(content_range)
        if match is None:
            raise GraphError(400, "invalidRequest", "The Content-Range header is missing.")
        first, last, total = map(int, match.groups())
        is_last = last + 1 == total
        if last - first + 1 != len(data) or (not is_last and len(data) % RANGE_UNIT):
            raise GraphError(400, "invalidRequest", "The range has another size.")
        if first != session.received:
            raise GraphError(416, "invalidRange", "The range does not follow the last one.")
        session.add(data)
        if not is_last:
            return None
        item = session.drive.put_file(
            session.parent, session.name, b"".join(session.parts), session.hasher
        )
        item.file_system_info |= session.file_system_info
        with self._lock:
            self.open.pop(key, None)
        return item
