"""The folders in which turns run: the projects root, projects, and folders that a prompt names."""

import asyncio
import os
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import BadRequest, Forbidden, NotFound
from xo_cowork_core.sdk.kit import SingleFlight
from xo_cowork_core.services.files.os_errors import DENIED, translate_os_errors
from xo_cowork_core.storage.paths import clamp, expand

LEGACY_PROJECTS_FOLDER = "claude-cowork"
MAX_ID_BYTES = 255
MAX_PROJECT_ID_CHARACTERS = 64


class WorkspaceHint(NamedTuple):
    """What a client's hint names: an existing folder, and the project that contains it or that is
    to be made; None where the hint names nothing that can be used."""

    project_id: str | None = None
    folder: Path | None = None


class Workspace:
    """The folders of one user. Files below the paths in `private` are never attached."""

    def __init__(
        self,
        home: Path,
        projects_root: Path,
        private: Callable[[], Sequence[Path]] = tuple,
    ) -> None:
        self.home = home
        self.projects_root = projects_root
        self._private = private
        self._roots = SingleFlight(_make_root)
        self._projects = SingleFlight(self._find_project)

    async def resolve_folder(self, text: str) -> Path:
        """Resolve a folder that a prompt names. Raises BadRequest, Forbidden or NotFound."""
        return await asyncio.to_thread(self._folder, text)

    async def resolve_file(self, text: str) -> Path:
        """Resolve a file that a prompt names. Raises BadRequest, Forbidden or NotFound."""
        return await asyncio.to_thread(self._file, text)

    async def read_hint(self, text: str) -> WorkspaceHint:
        """Return what a folder means that a client sent as a hint. Raises BadRequest for a text
        that cannot be a path on any machine."""
        return await asyncio.to_thread(self._hint, text)

    async def project_id_for(self, name: str) -> str:
        """Return the id of the project that a client names by its id, or by the name that a person
        entered. Raises BadRequest."""
        if await self.find_project(name):
            return name
        return project_id_from(name)

    async def find_project(self, agent_id: str) -> Path | None:
        """Return a project's folder; None when there is none."""
        check_id(agent_id)
        return await self._projects.of(agent_id)

    async def find_folder(self, workspace: str | None) -> Path:
        """Return the folder of a workspace: a project's id or a path; else the projects root.

        Raises BadRequest, Forbidden or NotFound.
        """
        if not workspace:
            return self.projects_root
        if workspace.startswith(("/", "~")):
            return await self.resolve_folder(workspace)
        return await self.find_project(workspace) or self.projects_root

    async def make_project(self, agent_id: str) -> Path:
        """Return a project's folder, created when absent."""
        check_id(agent_id)
        return await asyncio.to_thread(self._make_project, agent_id)

    async def make_root(self) -> Path:
        """Return the projects root, created when absent."""
        return await self._roots.of(self.projects_root)

    def project_id_of(self, folder: Path) -> str | None:
        """Return the id of the project that contains a folder, by the path's text alone."""
        for root in (self.projects_root, self.home / LEGACY_PROJECTS_FOLDER):
            real = Path(os.path.realpath(root))
            for base in (root, real):
                if folder.is_relative_to(base) and folder != base:
                    return folder.relative_to(base).parts[0]
        return None

    def _folder(self, text: str) -> Path:
        with _translate("workspace"):
            real = self._clamped(text)
            if not real.is_dir():
                raise NotFound("The folder `workspace` does not exist")
        return real

    def _hint(self, text: str) -> WorkspaceHint:
        if not (text == "~" or text.startswith(("/", "~/")) or "\0" in text):
            # an absolute path of another system, or none
            return WorkspaceHint()
        try:
            folder = self._folder(text)
        except (Forbidden, NotFound):
            return WorkspaceHint(self._missing_project(text))
        project_id = self.project_id_of(folder)
        if project_id and not _is_plain(project_id):
            return WorkspaceHint()
        return WorkspaceHint(project_id, folder)

    def _missing_project(self, text: str) -> str | None:
        """Return the id of the project to make for a path right under the projects root."""
        path = Path(os.path.normpath(expand(text, self.home)))
        roots = (self.projects_root, Path(os.path.realpath(self.projects_root)))
        if path.parent not in roots or path.name.startswith(".") or os.path.lexists(path):
            return None
        try:
            return project_id_from(path.name)
        except BadRequest:
            return None

    def _file(self, text: str) -> Path:
        with _translate("attachments.path"):
            real = self._clamped(text)
            if any(real.is_relative_to(os.path.realpath(path)) for path in self._private()):
                raise Forbidden(DENIED)
            if not real.is_file():
                raise NotFound(f"Attachment not found: {Path(text).name}")
        return real

    def _clamped(self, text: str) -> Path:
        return clamp(expand(text, self.home), (self.home, self.projects_root))

    def _find_project(self, agent_id: str) -> Path | None:
        with _translate("agent_id"):
            real = clamp(self.projects_root / agent_id, (self.projects_root,))
            return real if real.is_dir() else None

    def _make_project(self, agent_id: str) -> Path:
        existing = self._find_project(agent_id)
        if existing:
            return existing
        folder = self.projects_root / agent_id
        with _translate("agent_id"):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError):
                raise BadRequest("`agent_id` names something that is no folder") from None
        return folder


def check_id(agent_id: str) -> None:
    """Raise BadRequest for an id that is no plain folder name."""
    if not _is_plain(agent_id):
        raise BadRequest("`agent_id` must be a project's folder name")


def _is_plain(name: str) -> bool:
    return (
        name != ""
        and not name.startswith(".")
        and not set(name) & set("/\\\0\n\r")
        and len(name.encode("utf-8", "replace")) <= MAX_ID_BYTES
    )


def project_id_from(name: str) -> str:
    """Return the id, which is the folder's name, for a project that a person named `name`.

    Lower case, `-` for every run of other characters, at most 64 characters. Raises BadRequest.
    """
    # stripped again after the cut, which may leave a dash at the end
    project_id = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")
    project_id = project_id[:MAX_PROJECT_ID_CHARACTERS].strip("-")
    if not project_id:
        raise BadRequest("The project's name needs a letter or digit of a-z and 0-9")
    return project_id


def _make_root(root: Path) -> Path:
    with translate_os_errors(None, conflict=None, unusable="The projects root cannot be used"):
        root.mkdir(parents=True, exist_ok=True)
    return root


@contextmanager
def _translate(field: str) -> Generator[None]:
    with translate_os_errors(
        None,
        conflict=None,
        malformed=f"`{field}` must be an absolute path in Unicode, no longer than paths may be",
        unusable=f"`{field}` cannot be used",
    ):
        yield
