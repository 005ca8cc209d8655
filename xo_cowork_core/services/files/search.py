"""Finds files by name, the best matches first, within a limit of time and of entries."""

import asyncio
import heapq
import time
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.files.ignore_rules import IgnoreRules, is_ignored, read_rules
from xo_cowork_core.services.files.os_errors import translate_os_errors
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.folder_handle import FolderHandle
from xo_cowork_core.storage.paths import is_unicode
from xo_cowork_core.storage.staging import is_staged

MAX_SECONDS = 2.0
MAX_ENTRIES = 200_000
MAX_RESULTS = 500
MAX_CONCURRENT = 2
# large, and never searched for, also where no .gitignore excludes them
SKIPPED_NAMES = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv"})


class FileMatch(NamedTuple):
    """A matching file; `relative_path` counts from the searched folder."""

    name: str
    relative_path: str
    path: Path


class _PendingFolder(NamedTuple):
    """A folder still to be searched, by its names below the searched folder."""

    names: tuple[str, ...]
    rules: Sequence[IgnoreRules]


class _Budget:
    """The time and the entries that one search may still use."""

    def __init__(self) -> None:
        self._deadline = time.monotonic() + MAX_SECONDS
        self._entries = MAX_ENTRIES

    def spend(self) -> bool:
        """Count one entry; return False when none was left, or no time."""
        self._entries -= 1
        return self._entries >= 0 and time.monotonic() <= self._deadline


class FileSearch:
    """Searches files for clients."""

    def __init__(self, resolver: PathResolver, threads: DiskThreads) -> None:
        self._resolver = resolver
        self._threads = threads
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)

    async def find(self, directory: str | None, query: str, limit: int) -> Sequence[FileMatch]:
        """Return files whose path below `directory` contains `query`, in any case.

        Raises BadRequest, Forbidden or NotFound.
        """
        if not directory:
            raise BadRequest("Missing directory")
        folder = self._resolver.path(directory)
        if limit < 1:
            raise BadRequest("`limit` must be at least 1")
        async with self._slots:
            return await self._threads.run(
                self._find, folder, _normalized(query), min(limit, MAX_RESULTS)
            )

    def _find(self, folder: Path, query: str, limit: int) -> Sequence[FileMatch]:
        with (
            translate_os_errors("Not a directory"),
            self._resolver.fs.open_folder(folder) as (handle, real),
        ):
            names_above, rules = self._rules_above(real)
            paths = _file_paths(handle, names_above, rules, self._private_paths(real))
            ranked = (
                (rank, path.count("/"), path)
                for path in paths
                if (rank := _rank(query, path)) is not None
            )
            best = heapq.nsmallest(limit, ranked)
        return [FileMatch(path.rpartition("/")[2], path, real / path) for _, _, path in best]

    def _rules_above(self, real: Path) -> tuple[tuple[str, ...], Sequence[IgnoreRules]]:
        """Return the names that lead from a repository's root to a folder in it, and the rules on
        that way; nothing outside a repository."""
        top = real
        while not (top / ".git").exists():
            if self._resolver.fs.is_root(top):
                return (), ()
            top = top.parent
        names = real.relative_to(top).parts
        rules: list[IgnoreRules] = []
        for depth in range(len(names)):
            with self._resolver.fs.open_folder(top.joinpath(*names[:depth])) as (handle, _):
                rules += read_rules(handle, depth)
        # a search in an excluded folder is meant to find what is in it
        if any(is_ignored(names[: n + 1], rules, is_folder=True) for n in range(len(names))):
            return names, ()
        return names, rules

    def _private_paths(self, real: Path) -> frozenset[str]:
        return frozenset(
            str(path.relative_to(real))
            for path in self._resolver.fs.private_paths()
            if path.is_relative_to(real)
        )


def _file_paths(
    base: FolderHandle,
    names_above: tuple[str, ...],
    rules: Sequence[IgnoreRules],
    private: frozenset[str],
) -> Iterator[str]:
    """Yield the files below an open folder, breadth first; no symlink is followed."""
    budget = _Budget()
    pending = deque([_PendingFolder((), rules)])
    while pending and budget.spend():
        folder = pending.popleft()
        for names, is_folder, inner_rules in _entries(base, names_above, folder, budget):
            path = "/".join(names)
            if path in private:
                continue
            if is_folder:
                pending.append(_PendingFolder(names, inner_rules))
            else:
                yield path


def _entries(
    base: FolderHandle, names_above: tuple[str, ...], folder: _PendingFolder, budget: _Budget
) -> Iterator[tuple[tuple[str, ...], bool, Sequence[IgnoreRules]]]:
    """Yield names, whether they are a folder's, and the rules in it, for each entry of a folder
    that is not excluded."""
    try:
        handle = base.descend(folder.names)
    except OSError:
        return
    with handle:
        rules = (*folder.rules, *read_rules(handle, len(names_above) + len(folder.names)))
        for entry in handle.entries():
            if not budget.spend():
                return
            names = (*folder.names, entry.name)
            is_folder = entry.is_dir(follow_symlinks=False)
            if not (is_folder or entry.is_file(follow_symlinks=False)):
                continue
            if entry.name in SKIPPED_NAMES or not is_unicode(entry.name) or is_staged(entry.name):
                continue
            if not is_ignored((*names_above, *names), rules, is_folder=is_folder):
                yield names, is_folder, rules


def _rank(query: str, path: str) -> int | None:
    """Return how well a path matches, 0 is best; None when it does not."""
    normalized = _normalized(path)
    name = normalized.rpartition("/")[2]
    if query not in normalized:
        return None
    if name == query:
        return 0
    if name.startswith(query):
        return 1
    return 2 if query in name else 3


def _normalized(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
