"""Drives and their items. Knows no HTTP."""

import itertools
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zlib import crc32

from xo_cowork_core.sdk.events.base import JsonValue

from .quick_xor_hash import QuickXorHash

RESERVED = re.compile(r'["*:<>?/\\|]')
QUOTA_BYTES = 5 << 30


class GraphError(Exception):
    """An error answer of Graph."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.status = status
        self.code = code


def time_text() -> str:
    """Return the present time as Graph writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class DriveItem:
    """A file, or a folder when `content` is None."""

    id: str
    name: str
    parent: "DriveItem | None"
    content: bytes | None = None
    file_system_info: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    modified: str = field(default_factory=time_text)
    content_hash: str = ""
    size: int = 0

    @property
    def path(self) -> str:
        """The path below the root, without a leading slash."""
        if self.parent is None:
            return ""
        return f"{self.parent.path}/{self.name}".lstrip("/")


class Drive:
    """One drive, used by the threads of a test and of the server. Names ignore case.

    Without `keeps_content` a file that is uploaded in ranges has a size and a hash alone.
    """

    def __init__(
        self,
        drive_id: str,
        name: str = "OneDrive",
        drive_type: str = "personal",
        *,
        keeps_content: bool = True,
    ) -> None:
        self.keeps_content = keeps_content
        self.id = drive_id
        self.name = name
        self.drive_type = drive_type
        self.lock = threading.RLock()
        self._numbers = itertools.count(101)
        self.root = DriveItem(self._next_id(), "root", None)
        self.items: dict[str, DriveItem] = {self.root.id: self.root}

    def find(self, item_id: str, path: str = "") -> DriveItem:
        """Return the item at a path below another. Raises GraphError."""
        with self.lock:
            item = self.root if item_id == "root" else self.items.get(item_id)
            for name in filter(None, path.split("/")):
                item = self._child(item, name) if item else None
            if item is None:
                raise GraphError(404, "itemNotFound", "The resource could not be found.")
            return item

    def children(self, folder: DriveItem) -> Sequence[DriveItem]:
        """Return the items of a folder by name."""
        with self.lock:
            children = [item for item in self.items.values() if item.parent is folder]
        return sorted(children, key=lambda item: item.name.lower())

    def create_folder(self, parent: DriveItem, name: str) -> DriveItem:
        """Add a folder. Raises GraphError for a name that is taken or reserved."""
        with self.lock:
            if self._child(parent, name):
                raise GraphError(409, "nameAlreadyExists", "The name is in use.")
            return self._add(parent, name)

    def put_file(
        self, parent: DriveItem, name: str, content: bytes, hasher: QuickXorHash | None = None
    ) -> DriveItem:
        """Add a file, or replace its content. Raises GraphError.

        `hasher` has seen the whole content, also where the drive does not keep it.
        """
        if hasher is None:
            hasher = QuickXorHash()
            hasher.update(content)
        with self.lock:
            existing = self._child(parent, name)
            if existing is not None and existing.content is None:
                raise GraphError(409, "nameAlreadyExists", "A folder has this name.")
            item = existing or self._add(parent, name)
            item.content, item.content_hash = content, hasher.base64()
            item.size = hasher.size
            item.modified = time_text()
            return item

    def make_folders(self, path: str) -> DriveItem:
        """Return the folder at a path below the root; create what is missing of it."""
        with self.lock:
            folder = self.root
            for name in filter(None, path.split("/")):
                folder = self._child(folder, name) or self._add(folder, name)
            return folder

    def rename(self, item: DriveItem, name: str, parent: DriveItem) -> None:
        """Move an item. Raises GraphError for a name that is taken or reserved."""
        check_name(name)
        with self.lock:
            other = self._child(parent, name)
            if other is not None and other is not item:
                raise GraphError(409, "nameAlreadyExists", "The name is in use.")
            item.name, item.parent = name, parent

    def delete(self, item: DriveItem) -> None:
        """Remove an item and everything below it."""
        with self.lock:
            if item.parent is None:
                raise GraphError(400, "invalidRequest", "The root can't be deleted.")
            for child in self.children(item):
                self.delete(child)
            self.items.pop(item.id, None)

    def files(self) -> dict[str, bytes]:
        """Return the content of each file by its path."""
        with self.lock:
            return {
                item.path: item.content for item in self.items.values() if item.content is not None
            }

    def folders(self) -> set[str]:
        """Return the paths of all folders below the root."""
        with self.lock:
            return {
                item.path
                for item in self.items.values()
                if item.content is None and item.parent is not None
            }

    def used_bytes(self) -> int:
        """Return the size of all files."""
        with self.lock:
            return sum(item.size for item in self.items.values())

    def _child(self, folder: DriveItem, name: str) -> DriveItem | None:
        return next(
            (each for each in self.children(folder) if each.name.lower() == name.lower()), None
        )

    def _add(self, parent: DriveItem, name: str) -> DriveItem:
        check_name(name)
        item = DriveItem(self._next_id(), name, parent)
        self.items[item.id] = item
        return item

    def _next_id(self) -> str:
        # ids of personal drives have this form; rclone cuts at `#`, and must keep the `!`
        return f"{crc32(self.id.encode()):016X}!{next(self._numbers)}"


def check_name(name: str) -> None:
    """Raise GraphError for a name that OneDrive does not take."""
    if not name or RESERVED.search(name) or name != name.strip() or name.endswith("."):
        raise GraphError(400, "invalidRequest", "The provided name cannot be used.")
