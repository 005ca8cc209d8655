"""The files and folders of one Google Drive."""

import hashlib
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from xo_cowork_core.sdk.events.base import JsonValue

FOLDER_TYPE = "application/vnd.google-apps.folder"
ROOT_ID = "0AFakeRootFolderPVA"
ROOT_ALIAS = "root"
PARENT = re.compile(r"'([^']+)' in parents")
NAME = re.compile(r"name ?= ?'((?:[^'\\]|\\.)*)'")
ESCAPED = re.compile(r"\\(.)")
OF_TYPE = re.compile(r"mimeType ?(=|!=) ?'([^']*)'")


def time_text() -> str:
    """The present time as Drive writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass(slots=True)
class DriveFile:
    """A file or folder. A folder has no content."""

    file_id: str
    name: str
    parents: list[str]
    mime_type: str = "application/octet-stream"
    content: bytes = b""
    trashed: bool = False
    modified: str = field(default_factory=time_text)

    @property
    def is_folder(self) -> bool:
        return self.mime_type == FOLDER_TYPE

    def resource(self) -> dict[str, JsonValue]:
        """The file in the API's words."""
        body: dict[str, JsonValue] = {
            "kind": "drive#file",
            "id": self.file_id,
            "name": self.name,
            "mimeType": self.mime_type,
            "parents": list(self.parents),
            "trashed": self.trashed,
            "createdTime": self.modified,
            "modifiedTime": self.modified,
            "capabilities": {"canDownload": True},
        }
        if not self.is_folder:
            body["size"] = str(len(self.content))
            body["md5Checksum"] = hashlib.md5(self.content).hexdigest()
        return body


class FileStore:
    """All files, by id. Safe for use from the threads of a test and of the server."""

    def __init__(self) -> None:
        self._root = DriveFile(ROOT_ID, "My Drive", [], FOLDER_TYPE)
        self.files: dict[str, DriveFile] = {ROOT_ID: self._root}
        self.lock = threading.RLock()

    def clear(self) -> None:
        """Remove everything but the root."""
        with self.lock:
            self.files = {ROOT_ID: self._root}

    def find(self, file_id: str) -> DriveFile | None:
        """Return a file by its id, which may be `root`."""
        with self.lock:
            return self.files.get(_real_id(file_id))

    def search(self, query: str) -> Sequence[DriveFile]:
        """Return the files that fit a `q` of the API."""
        parents = {_real_id(each) for each in PARENT.findall(query)}
        names = {ESCAPED.sub(r"\1", each) for each in NAME.findall(query)}
        types = {value for sign, value in OF_TYPE.findall(query) if sign == "="}
        other_types = {value for sign, value in OF_TYPE.findall(query) if sign == "!="}
        with self.lock:
            return [
                file
                for file in self.files.values()
                if file is not self._root
                and not (file.trashed and "trashed=false" in query)
                and (not parents or parents & set(file.parents))
                and (not names or file.name in names)
                and (not types or file.mime_type in types)
                and file.mime_type not in other_types
            ]

    def store(
        self, metadata: Mapping[str, JsonValue], content: bytes, file_id: str = ""
    ) -> DriveFile:
        """Create a file, or replace the content of one."""
        with self.lock:
            file = self.files.get(file_id)
            if file is None:
                file = DriveFile(secrets.token_urlsafe(20), "Untitled", [ROOT_ID])
                self.files[file.file_id] = file
            file.content = content
            file.modified = time_text()
            self.update(file, metadata)
            return file

    def update(self, file: DriveFile, metadata: Mapping[str, JsonValue]) -> None:
        """Apply the members of a resource that can be changed."""
        with self.lock:
            file.name = str(metadata.get("name") or file.name)
            file.mime_type = str(metadata.get("mimeType") or file.mime_type)
            file.modified = str(metadata.get("modifiedTime") or file.modified)
            file.trashed = bool(metadata.get("trashed", file.trashed))
            parents = cast("Sequence[str] | None", metadata.get("parents"))
            if parents:
                file.parents = [_real_id(each) for each in parents]

    def paths(self) -> Mapping[str, DriveFile]:
        """The files that are not in the trash, by their paths."""
        with self.lock:
            files = [file for file in self.files.values() if file is not self._root]
            return {self._path_of(file): file for file in files if not self._is_trashed(file)}

    def _is_trashed(self, file: DriveFile) -> bool:
        if file.trashed:
            return True
        parent = self.files.get(file.parents[0]) if file.parents else None
        return parent is not None and self._is_trashed(parent)

    def _path_of(self, file: DriveFile) -> str:
        parent = self.files.get(file.parents[0])
        if parent is None or parent is self._root:
            return file.name
        return f"{self._path_of(parent)}/{file.name}"


def _real_id(file_id: str) -> str:
    return ROOT_ID if file_id == ROOT_ALIAS else file_id
