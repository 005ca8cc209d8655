"""A project's memory as one text: the files of `memory/semantic`, joined.

Each file but the first begins with a line that names it, so that a text that comes back changed
finds its way into the same files.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from xo_cowork_core.sdk import BadRequest, TooLarge
from xo_cowork_core.services.projects.project_files import ProjectFiles, open_existing
from xo_cowork_core.services.workspace import Workspace
from xo_cowork_core.storage.folder_handle import FolderHandle
from xo_cowork_core.storage.paths import is_unicode

MEMORY, SEMANTIC = "memory", "semantic"
FIRST = "project-facts.md"
MOST_FILES = 100
MOST_BYTES = 1 << 20
MARK = re.compile(r"^<!-- memory/semantic/([^/\n]+\.md) -->\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Memory:
    """The joined text, where it lies, and when its newest file changed."""

    text: str = ""
    workspace_path: Path | None = None
    time_updated: datetime | None = None


class WorkspaceMemory:
    """Reads and writes. A workspace is a project's id, or a path in it."""

    def __init__(self, files: ProjectFiles, workspace: Workspace) -> None:
        self._files = files
        self._workspace = workspace

    async def read(self, workspace: str) -> Memory:
        """Return the memory; empty for a folder of no project. Raises BadRequest, Forbidden or
        NotFound."""
        project_id = await self._project_of(workspace)
        if project_id is None:
            return Memory()
        return await self._files.read(project_id, lambda project: self._read(project, project_id))

    async def write(self, workspace: str, text: str) -> Memory:
        """Put a text in the memory's files: what stands under a file's line goes there, all else
        into `project-facts.md`. Raises what `read` raises, and TooLarge."""
        if len(text.encode()) > MOST_BYTES:
            raise TooLarge("The memory may have 1 MiB")
        project_id = await self._project_of(workspace)
        if project_id is None:
            raise BadRequest("`workspace` must be a project: its id, or a path in it")

        def work(project: FolderHandle, _: FolderHandle) -> Memory:
            with project.descend((MEMORY, SEMANTIC), make=True) as folder:
                for name, body in _texts(text, set(_names(folder))).items():
                    folder.replace(name, body.encode())
            return self._read(project, project_id)

        return await self._files.change(project_id, work)

    async def _project_of(self, workspace: str) -> str | None:
        if not workspace:
            return None
        if workspace.startswith(("/", "~")):
            return self._workspace.project_id_of(await self._workspace.resolve_folder(workspace))
        return workspace

    def _read(self, project: FolderHandle, project_id: str) -> Memory:
        place = self._files.root / project_id
        with open_existing(project, MEMORY) as memory:
            if memory is None:
                return Memory(workspace_path=place)
            with open_existing(memory, SEMANTIC) as folder:
                if folder is None:
                    return Memory(workspace_path=place)
                return _joined(folder, place)


def _joined(folder: FolderHandle, place: Path) -> Memory:
    pieces: list[str] = []
    newest = 0.0
    for name in _names(folder):
        try:
            body = folder.read(name, MOST_BYTES)
            found = folder.stat(name)
        except OSError:
            # a link, a folder or a giant among them is no memory
            continue
        if body is None or found is None:
            continue
        newest = max(newest, found.st_mtime)
        text = body.decode("utf-8", "replace")
        pieces.append(text if name == FIRST else f"<!-- memory/semantic/{name} -->\n{text}")
    updated = datetime.fromtimestamp(newest, UTC) if pieces else None
    return Memory(_join(pieces), place, updated)


def _join(pieces: list[str]) -> str:
    ended = [piece if not piece or piece.endswith("\n") else f"{piece}\n" for piece in pieces]
    return "".join(ended)


def _names(folder: FolderHandle) -> list[str]:
    found = [e.name for e in folder.entries() if e.name.endswith(".md") and is_unicode(e.name)]
    shown = [name for name in found if not name.startswith(".")]
    return sorted(shown, key=lambda name: (name != FIRST, name))[:MOST_FILES]


def _texts(text: str, names: set[str]) -> dict[str, str]:
    """Return each file's text; what stands under two marks of one file is joined."""
    found: dict[str, str] = {FIRST: ""}
    for name, part in _parts(text, names):
        found[name] = found.get(name, "") + part
    return found


def _parts(text: str, names: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each file's name and text. A line that names no file there is text like any other."""
    name, start = FIRST, 0
    for mark in MARK.finditer(text):
        if mark[1] in names - {FIRST}:
            yield name, text[start : mark.start()]
            name, start = mark[1], mark.end()
    yield name, text[start:]
