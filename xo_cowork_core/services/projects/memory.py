"""A project's memory as one text: the files of `memory/semantic`, joined.

Each file but the first begins with a marker line that names it, so that a changed text is written
back to the same files.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import BadRequest, XoError
from xo_cowork_core.sdk.errors import TooLarge
from xo_cowork_core.services.projects.project_files import ProjectFiles, open_existing
from xo_cowork_core.services.workspace import Workspace
from xo_cowork_core.storage.folder_handle import FolderHandle
from xo_cowork_core.storage.paths import is_unicode

MEMORY, SEMANTIC = "memory", "semantic"
FIRST_FILE = "project-facts.md"
MAX_FILES = 100
MAX_BYTES = 1 << 20
PREVIEW_BYTES = 4 << 10
MARKER = re.compile(r"^<!-- memory/semantic/([^/\n]+\.md) -->\n", re.MULTILINE)


class Memory(NamedTuple):
    """The joined text, the project's folder, and when the newest file changed."""

    text: str = ""
    workspace_path: Path | None = None
    time_updated: datetime | None = None


class MemoryPreview(NamedTuple):
    """The beginning of a project's memory. `size` is that of all its files, in bytes."""

    project_id: str
    workspace_path: Path
    text: str = ""
    size: int = 0
    time_updated: datetime | None = None


class WorkspaceMemory:
    """Reads and writes the memory. A workspace is a project's id, or a path in the project."""

    def __init__(self, files: ProjectFiles, workspace: Workspace) -> None:
        self._files = files
        self._workspace = workspace

    async def read(self, workspace: str) -> Memory:
        """Return the memory; empty for a folder outside all projects.

        Raises BadRequest, Forbidden or NotFound.
        """
        project_id = await self._project_id_of(workspace)
        if project_id is None:
            return Memory()
        return await self._files.read(project_id, lambda project: self._read(project, project_id))

    async def write(self, workspace: str, text: str) -> Memory:
        """Write a text: what follows a file's marker line to that file, the rest to
        `project-facts.md`. Raises BadRequest, Forbidden, NotFound or TooLarge."""
        if len(text.encode()) > MAX_BYTES:
            raise TooLarge("The memory may have 1 MiB")
        project_id = await self._require_project_id(workspace)

        def work(project: FolderHandle, _: FolderHandle) -> Memory:
            with project.descend((MEMORY, SEMANTIC), make=True) as folder:
                for name, part in _split(text, set(_file_names(folder))).items():
                    folder.replace(name, part.encode())
            return self._read(project, project_id)

        return await self._files.change(project_id, work)

    async def empty(self, workspace: str) -> Memory:
        """Empty `project-facts.md`; the other files stay.

        Raises BadRequest, Forbidden or NotFound.
        """
        project_id = await self._require_project_id(workspace)

        def work(project: FolderHandle, _: FolderHandle) -> Memory:
            with _open_semantic(project) as folder:
                if folder is not None and folder.stat(FIRST_FILE) is not None:
                    folder.replace(FIRST_FILE, b"")
            return self._read(project, project_id)

        return await self._files.change(project_id, work)

    async def list(self) -> Sequence[MemoryPreview]:
        """Return the beginning of every project's memory, by id; at most `PREVIEW_BYTES` of each
        are read."""
        return await self._files.run_reader(self._list)

    async def _require_project_id(self, workspace: str) -> str:
        project_id = await self._project_id_of(workspace)
        if project_id is None:
            raise BadRequest("`workspace` must be a project: its id, or a path in it")
        return project_id

    def _list(self) -> Sequence[MemoryPreview]:
        previews: list[MemoryPreview] = []
        for project_id in sorted(self._files.project_ids()):
            try:
                with self._files.open_project(project_id) as project:
                    previews.append(_preview(project, project_id, self._files.root / project_id))
            except (OSError, XoError):
                # deleted meanwhile, or not readable
                continue
        return previews

    async def _project_id_of(self, workspace: str) -> str | None:
        if not workspace:
            return None
        if workspace.startswith(("/", "~")):
            return self._workspace.project_id_of(await self._workspace.resolve_folder(workspace))
        return workspace

    def _read(self, project: FolderHandle, project_id: str) -> Memory:
        location = self._files.root / project_id
        with _open_semantic(project) as folder:
            return Memory(workspace_path=location) if folder is None else _joined(folder, location)


@contextmanager
def _open_semantic(project: FolderHandle) -> Generator[FolderHandle | None]:
    """Open the folder of the memory; None when it is absent or a symlink."""
    with open_existing(project, MEMORY) as memory:
        if memory is None:
            yield None
            return
        with open_existing(memory, SEMANTIC) as folder:
            yield folder


def _preview(project: FolderHandle, project_id: str, location: Path) -> MemoryPreview:
    with _open_semantic(project) as folder:
        if folder is None:
            return MemoryPreview(project_id, location)
        parts: list[str] = []
        size, newest, budget = 0, 0.0, PREVIEW_BYTES
        for name in _file_names(folder):
            try:
                with folder.open_file(name) as file:
                    status = file.stat()
                    content = file.read(budget)
            except OSError:
                # a symlink, a folder, or a file that was removed meanwhile
                continue
            size += status.st_size
            newest = max(newest, status.st_mtime)
            budget -= len(content)
            parts.append(content.decode("utf-8", "replace"))
        updated = datetime.fromtimestamp(newest, UTC) if parts else None
        return MemoryPreview(project_id, location, _join(parts), size, updated)


def _joined(folder: FolderHandle, location: Path) -> Memory:
    parts: list[str] = []
    newest = 0.0
    for name in _file_names(folder):
        try:
            content = folder.read(name, MAX_BYTES)
            status = folder.stat(name)
        except OSError:
            # a symlink, a folder or a file that is too large
            continue
        if content is None or status is None:
            continue
        newest = max(newest, status.st_mtime)
        text = content.decode("utf-8", "replace")
        parts.append(text if name == FIRST_FILE else f"<!-- memory/semantic/{name} -->\n{text}")
    updated = datetime.fromtimestamp(newest, UTC) if parts else None
    return Memory(_join(parts), location, updated)


def _join(parts: list[str]) -> str:
    return "".join(part if not part or part.endswith("\n") else f"{part}\n" for part in parts)


def _file_names(folder: FolderHandle) -> list[str]:
    names = [
        entry.name
        for entry in folder.entries()
        if entry.name.endswith(".md") and not entry.name.startswith(".") and is_unicode(entry.name)
    ]
    return sorted(names, key=lambda name: (name != FIRST_FILE, name))[:MAX_FILES]


def _split(text: str, names: set[str]) -> dict[str, str]:
    """Return each file's text; the parts under two markers of one file are joined."""
    texts: dict[str, str] = {FIRST_FILE: ""}
    for name, part in _parts(text, names):
        texts[name] = texts.get(name, "") + part
    return texts


def _parts(text: str, names: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each part with its file's name. A marker of an absent file is plain text."""
    name, start = FIRST_FILE, 0
    for marker in MARKER.finditer(text):
        if marker[1] in names - {FIRST_FILE}:
            yield name, text[start : marker.start()]
            name, start = marker[1], marker.end()
    yield name, text[start:]
