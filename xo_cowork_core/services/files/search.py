"""Finds files by their names, the best first, within a limit of time and of entries."""

import asyncio
import heapq
import os
import time
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.files.ignore_rules import IgnoreRules, is_ignored, read_rules
from xo_cowork_core.services.files.path_resolver import PathResolver, translate_os_errors
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.beneath import walk
from xo_cowork_core.storage.drafts import is_draft
from xo_cowork_core.storage.paths import OutsideError, is_unicode

SECONDS = 2.0
MOST_ENTRIES = 200_000
MOST_RESULTS = 500
AT_ONCE = 2
# large, and never what somebody looks for, also where no .gitignore says so
SKIPPED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv"})


@dataclass(frozen=True, slots=True)
class Match:
    """A file that was found; `relative` counts from the folder that was searched."""

    name: str
    relative: str
    path: Path


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be looked into, by its names below the one that is searched."""

    names: tuple[str, ...]
    rules: Sequence[IgnoreRules]


class _Budget:
    """What one search may still cost."""

    def __init__(self) -> None:
        self._until = time.monotonic() + SECONDS
        self._left = MOST_ENTRIES

    def spent(self) -> bool:
        """Count one entry; True when it is one too many, or too late."""
        self._left -= 1
        return self._left < 0 or time.monotonic() > self._until


class Search:
    """Searches of one server."""

    def __init__(self, places: PathResolver, threads: DiskThreads) -> None:
        self._places = places
        self._threads = threads
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def find(self, directory: str | None, query: str, limit: int) -> Sequence[Match]:
        """Return files whose path below `directory` contains `query`, whatever the case.

        Raises BadRequest, Forbidden or NotFound.
        """
        if not directory:
            raise BadRequest("Missing directory")
        folder = self._places.path(directory)
        if limit < 1:
            raise BadRequest("`limit` must be at least 1")
        async with self._turns:
            return await self._threads.run(
                self._find, folder, _plain(query), min(limit, MOST_RESULTS)
            )

    def _find(self, folder: Path, query: str, limit: int) -> Sequence[Match]:
        with (
            translate_os_errors("Not a directory"),
            self._places.beneath.folder(folder) as (handle, real),
        ):
            above, rules = self._above(real)
            files = _files(handle, above, rules, self._private_paths(real))
            found = (
                (rank, path.count("/"), path)
                for path in files
                if (rank := _rank(query, path)) is not None
            )
            best = heapq.nsmallest(limit, found)
        return [Match(path.rpartition("/")[2], path, real / path) for _, _, path in best]

    def _above(self, real: Path) -> tuple[tuple[str, ...], Sequence[IgnoreRules]]:
        """Read the rules of the repository that a folder is in, from its top down to here.

        Paths count from that top; the names lead from there to the folder.
        """
        top = real
        while not (top / ".git").exists():
            if self._places.beneath.is_root(top):
                return (), ()
            top = top.parent
        names = real.relative_to(top).parts
        rules: list[IgnoreRules] = []
        for depth in range(len(names)):
            with self._places.beneath.folder(top.joinpath(*names[:depth])) as (handle, _):
                rules += read_rules(handle, depth)
        # who searches a folder that is left out wants what is in it
        if any(is_ignored(names[: n + 1], rules, is_folder=True) for n in range(len(names))):
            return names, ()
        return names, rules

    def _private_paths(self, real: Path) -> frozenset[str]:
        return frozenset(
            str(place.relative_to(real))
            for place in self._places.beneath.private_places()
            if place.is_relative_to(real)
        )


def _files(
    base: int, above: tuple[str, ...], rules: Sequence[IgnoreRules], private: frozenset[str]
) -> Iterator[str]:
    """Yield files below an open folder, the shallow ones first, no symlink followed."""
    budget = _Budget()
    waiting = deque([_Folder((), rules)])
    while waiting and not budget.spent():
        folder = waiting.popleft()
        for names, is_folder, inner in _entries(base, above, folder, budget):
            path = "/".join(names)
            if path in private:
                continue
            if is_folder:
                waiting.append(_Folder(names, inner))
            else:
                yield path


def _entries(
    base: int, above: tuple[str, ...], folder: _Folder, budget: _Budget
) -> Iterator[tuple[tuple[str, ...], bool, Sequence[IgnoreRules]]]:
    """Yield what one folder holds and is not left out, with the rules that hold in it."""
    try:
        handle = _opened(base, folder.names)
    except (OSError, OutsideError):
        return
    try:
        rules = (*folder.rules, *read_rules(handle, len(above) + len(folder.names)))
        with os.scandir(handle) as entries:
            for entry in entries:
                if budget.spent():
                    return
                names = (*folder.names, entry.name)
                is_folder = entry.is_dir(follow_symlinks=False)
                if not (is_folder or entry.is_file(follow_symlinks=False)):
                    continue
                if entry.name in SKIPPED or not is_unicode(entry.name) or is_draft(entry.name):
                    continue
                if not is_ignored((*above, *names), rules, is_folder=is_folder):
                    yield names, is_folder, rules
    finally:
        os.close(handle)


def _opened(base: int, names: Sequence[str]) -> int:
    passed = walk(base, names)
    try:
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=passed)
    finally:
        os.close(passed)


def _rank(query: str, path: str) -> int | None:
    """Say how well a path fits, 0 is best; None for one that doesn't."""
    plain = _plain(path)
    name = plain.rpartition("/")[2]
    if query not in plain:
        return None
    if name == query:
        return 0
    if name.startswith(query):
        return 1
    return 2 if query in name else 3


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
