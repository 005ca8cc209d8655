"""Folders and files of the remotes of one connector. Names and paths must have been checked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from xo_cowork_core.sdk import JsonValue, NotFound
from xo_lib_rclone.rc import Parameters, RemoteControl
from xo_lib_rclone.remotes import Remotes


class Entry(NamedTuple):
    """A file or folder. `path` is inside the remote; a folder has no `size`."""

    name: str
    path: str
    is_folder: bool
    size: int | None
    modified_at: datetime | None
    entry_id: str
    mime_type: str


class RemoteFiles:
    """Reads and changes folders and files. Each method raises as `Remotes.run`."""

    def __init__(self, remotes: Remotes, rc: RemoteControl) -> None:
        self._remotes = remotes
        self._rc = rc

    async def list(self, remote: str, path: str, *, folders_only: bool) -> Sequence[Entry]:
        """Return what is in a folder, folders first, by name. Raises NotFound."""
        options: JsonValue = {"dirsOnly": folders_only, "metadata": False}
        answer = await self._call("operations/list", remote, {"remote": path, "opt": options})
        items = cast("Sequence[Mapping[str, JsonValue]]", answer.get("list") or ())
        entries = [read_entry(item) for item in items]
        return sorted(entries, key=lambda entry: (not entry.is_folder, entry.name))

    async def find(self, remote: str, path: str) -> Entry:
        """Return one file or folder. Raises NotFound."""
        answer = await self._call("operations/stat", remote, {"remote": path})
        item = answer.get("item")
        if not isinstance(item, Mapping):
            raise NotFound("There is no such file or folder in this remote.")
        return read_entry(item)

    async def create_folder(self, remote: str, path: str) -> None:
        """Create a folder and its parents; harmless when it exists."""
        await self._change("operations/mkdir", remote, {"remote": path})

    async def delete_folder(self, remote: str, path: str, *, recursive: bool) -> None:
        """Delete a folder. Raises Conflict when it is not empty, unless `recursive`."""
        command = "operations/purge" if recursive else "operations/rmdir"
        await self._change(command, remote, {"remote": path})

    async def delete_file(self, remote: str, path: str) -> None:
        """Delete a file. Raises NotFound, and Conflict for a folder."""
        await self._change("operations/deletefile", remote, {"remote": path})

    async def _change(self, command: str, remote: str, parameters: Parameters) -> None:
        await self._rc.forget_folders()
        await self._call(command, remote, parameters)

    async def _call(self, command: str, remote: str, parameters: Parameters) -> Parameters:
        async def call() -> Parameters:
            return await self._rc.call(command, {"fs": f"{remote}:", **parameters})

        return await self._remotes.run(remote, call)


def read_entry(item: Mapping[str, JsonValue]) -> Entry:
    """Return an item of rclone's lists."""
    is_folder = item.get("IsDir") is True
    size = item.get("Size")
    return Entry(
        name=str(item.get("Name", "")),
        path=str(item.get("Path", "")),
        is_folder=is_folder,
        size=size if isinstance(size, int) and size >= 0 and not is_folder else None,
        modified_at=_read_time(str(item.get("ModTime", ""))),
        entry_id=str(item.get("ID", "")),
        mime_type="" if is_folder else str(item.get("MimeType", "")),
    )


def _read_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
