"""Where turns run: the projects root, project folders, and the folders a prompt may name."""

import asyncio
import errno
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from xo_cowork_core.sdk import BadRequest, Forbidden, NotFound, SingleFlight, Unavailable
from xo_cowork_core.storage.paths import MalformedPathError, OutsideError, clamp, expand

OLD_PROJECTS_FOLDER = "claude-cowork"
MAX_ID_BYTES = 255


class Workspace:
    """The folders of one user. What lies in `private` is never attached to a prompt."""

    def __init__(
        self,
        home: Path,
        projects_root: Path,
        private: Callable[[], Sequence[Path]] = tuple,
    ) -> None:
        self.home = home
        self._private = private
        self.projects_root = projects_root
        self._roots = SingleFlight(_made)
        self._projects = SingleFlight(self._project)

    async def folder(self, text: str) -> Path:
        """Check a folder that a prompt names. Raises BadRequest, Forbidden or NotFound."""
        return await asyncio.to_thread(self._folder, text)

    async def file(self, text: str) -> Path:
        """Check a file that a prompt names; raises as `folder` does."""
        return await asyncio.to_thread(self._file, text)

    async def project(self, agent_id: str) -> Path | None:
        """Return a project's folder, or None when there is none."""
        check_id(agent_id)
        return await self._projects.of(agent_id)

    async def make_project(self, agent_id: str) -> Path:
        """Return a project's folder, made when absent."""
        check_id(agent_id)
        return await asyncio.to_thread(self._make_project, agent_id)

    async def root(self) -> Path:
        """Return the projects root, made when absent."""
        return await self._roots.of(self.projects_root)

    def project_of(self, folder: Path) -> str | None:
        """Return the id of the project that contains a folder, looking at the path alone."""
        for root in (self.projects_root, self.home / OLD_PROJECTS_FOLDER):
            real = Path(os.path.realpath(root))
            for base in (root, real):
                if folder.is_relative_to(base) and folder != base:
                    return folder.relative_to(base).parts[0]
        return None

    def _folder(self, text: str) -> Path:
        with _refusals("workspace"):
            real = self._clamped(text)
            if not real.is_dir():
                raise NotFound("The folder `workspace` does not exist")
        return real

    def _file(self, text: str) -> Path:
        with _refusals("attachments.path"):
            real = self._clamped(text)
            if any(real.is_relative_to(os.path.realpath(place)) for place in self._private()):
                raise Forbidden("Access denied")
            if not real.is_file():
                raise NotFound(f"Attachment not found: {Path(text).name}")
        return real

    def _clamped(self, text: str) -> Path:
        return clamp(expand(text, self.home), (self.home, self.projects_root))

    def _project(self, agent_id: str) -> Path | None:
        with _refusals("agent_id"):
            real = clamp(self.projects_root / agent_id, (self.projects_root,))
            return real if real.is_dir() else None

    def _make_project(self, agent_id: str) -> Path:
        found = self._project(agent_id)
        if found:
            return found
        made = self.projects_root / agent_id
        with _refusals("agent_id"):
            try:
                made.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError):
                raise BadRequest("`agent_id` names something that is no folder") from None
        return made


def _made(root: Path) -> Path:
    with _refusals("the projects root"):
        root.mkdir(parents=True, exist_ok=True)
    return root


@contextmanager
def _refusals(field: str) -> Generator[None]:
    """Turn what a look at a place raises into errors for people."""
    try:
        yield
    except (OutsideError, PermissionError):
        raise Forbidden("Access denied") from None
    except MalformedPathError:
        raise BadRequest(f"`{field}` must be an absolute path in Unicode") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise BadRequest(f"`{field}` leads to a path that is too long") from None
        reason = error.strerror or type(error).__name__
        raise Unavailable(f"`{field}` cannot be used: {reason}") from None


def check_id(agent_id: str) -> None:
    """Refuse ids that are no plain folder name."""
    plain = agent_id not in {"", ".", ".."} and not set(agent_id) & set("/\\\0\n\r")
    if (
        not plain
        or agent_id.startswith(".")
        or len(agent_id.encode("utf-8", "replace")) > MAX_ID_BYTES
    ):
        raise BadRequest("`agent_id` must be a project's folder name")
