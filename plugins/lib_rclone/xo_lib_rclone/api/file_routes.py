"""Folders and files of a remote."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from xo_lib_rclone.api.schemas import (
    DeleteFolderRequest,
    FilesBody,
    FolderRequest,
    FoldersBody,
    PathBody,
)
from xo_lib_rclone.api.serializers import entry_body
from xo_lib_rclone.drive import CloudDrive
from xo_lib_rclone.names import check_entry_path, check_path, check_remote_name

Name = Annotated[str, Path(examples=["work"])]
FolderPath = Annotated[str, Query(description="A folder; empty for the root.", examples=["Docs"])]
FilePath = Annotated[str, Query(examples=["Docs/plan.pdf"])]


class FileRoutes:
    """Lists and changes what is in a remote. Names and paths are checked before anything else.

    404 for an unknown remote or path, 409 with the code `needs_auth` when a person has to sign in
    again, 503 while the service limits requests or can't be reached.
    """

    def __init__(self, drive: CloudDrive) -> None:
        self._remotes = drive.remotes
        self._files = drive.files

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        remote = "/remotes/{name}"
        router.get(remote + "/folders")(self.list_folders)
        router.get(remote + "/files")(self.list_files)
        router.delete(remote + "/files")(self.delete_file)
        router.post(remote + "/mkdir")(self.create_folder)
        router.post(remote + "/rmdir")(self.delete_folder)

    async def list_folders(self, name: Name, path: FolderPath = "") -> FoldersBody:
        """List the folders in a folder."""
        inner = self._check(name, path)
        entries = await self._files.list(name, inner, folders_only=True)
        return FoldersBody(path=inner, folders=[entry_body(entry) for entry in entries])

    async def list_files(self, name: Name, path: FolderPath = "") -> FilesBody:
        """List the folders and files in a folder."""
        inner = self._check(name, path)
        entries = await self._files.list(name, inner, folders_only=False)
        return FilesBody(path=inner, entries=[entry_body(entry) for entry in entries])

    async def delete_file(self, name: Name, path: FilePath) -> PathBody:
        """Delete a file; into the service's trash where it has one."""
        inner = check_entry_path(self._check(name, path))
        await self._files.delete_file(name, inner)
        return PathBody(ok=True, path=inner)

    async def create_folder(self, name: Name, body: FolderRequest) -> PathBody:
        """Create a folder and its parents. One that exists stays as it is."""
        inner = check_entry_path(self._check(name, body.path))
        await self._files.create_folder(name, inner)
        return PathBody(ok=True, path=inner)

    async def delete_folder(self, name: Name, body: DeleteFolderRequest) -> PathBody:
        """Delete a folder; 409 with the code `not_empty` unless it is empty or `recursive`."""
        inner = check_entry_path(self._check(name, body.path))
        await self._files.delete_folder(name, inner, recursive=bool(body.recursive))
        return PathBody(ok=True, path=inner)

    def _check(self, name: str, path: str) -> str:
        """Return the path once both are right and the remote exists."""
        check_remote_name(name)
        inner = check_path(path)
        self._remotes.find(name)
        return inner
