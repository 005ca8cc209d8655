"""Takes uploads in: to disk and into the hash piece by piece, put in place when whole."""

import asyncio
import hashlib
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from xo_cowork_core.sdk import BadRequest, Conflict, TooLarge
from xo_cowork_core.services.files.etags import hash_of
from xo_cowork_core.services.files.path_resolver import PathResolver, translate_os_errors
from xo_cowork_core.services.files.stored import StoredFile, type_of
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.beneath import PathHandle
from xo_cowork_core.storage.drafts import Draft, Staging
from xo_cowork_core.storage.paths import MAX_NAME_BYTES

MOST_BYTES = 100 << 20
BATCH_BYTES = 512 << 10
IDLE_SECONDS = 60.0
# a client that is still sending when it is answered may never see the answer
MOST_DRAINED_BYTES = 1 << 30
DRAIN_SECONDS = 30.0
DEFAULT_FOLDER = "uploads"
Sink = Callable[[bytes], None]


class Form(Protocol):
    """A body in parts, of which one is the file."""

    def feed(self, body: bytes, sink: Sink) -> None:
        """Take the next bytes; what is the file's goes to `sink`. Raises BadRequest."""
        ...

    def finish(self) -> "Head":
        """Say what came with the file. Raises BadRequest when there was none."""
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """What a client says of its file: a bare name, a type, a folder."""

    name: str
    mime_type: str
    folder: str


class Received:
    """A file that is here whole, but has no place yet."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.head = Head("", "", "")
        self.size = 0
        self._digest = hashlib.sha256()

    @property
    def content_hash(self) -> str:
        return self._digest.hexdigest()

    @property
    def fingerprint(self) -> str:
        """Tell two uploads apart. Bodies can't: each attempt has a boundary of its own."""
        parts = (self.head.name, self.head.mime_type, self.head.folder, self.content_hash)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()

    def take(self, piece: bytes) -> None:
        """Append bytes of the file. Raises TooLarge."""
        self.size += len(piece)
        if self.size > MOST_BYTES:
            raise TooLarge("File exceeds 100 MB limit")
        self._digest.update(piece)
        self.draft.write(piece)


class Uploads:
    """Uploads of one server."""

    def __init__(self, places: PathResolver, staging: Staging, threads: DiskThreads) -> None:
        self._places = places
        self._staging = staging
        self._threads = threads

    @asynccontextmanager
    async def received(self, body: AsyncIterator[bytes], form: Form) -> AsyncGenerator[Received]:
        """Take a whole body in; what is not put in place before the end is gone after it.

        Raises BadRequest, TooLarge or Unavailable.
        """
        received = Received(await self._threads.run(self._draft))
        try:
            try:
                await self._take(body, form, received)
            except TooLarge:
                await _drain(body)
                raise
            yield received
        finally:
            await self._threads.run(received.draft.discard)

    async def put(self, received: Received) -> StoredFile:
        """Give a file its place: under its name, or under another where that name is taken by
        other bytes. Raises BadRequest, Forbidden, Conflict or Unavailable."""
        folder = received.head.folder
        goal = self._places.path(folder) if folder else self._places.home / DEFAULT_FOLDER
        spot = await self._threads.run(self._put, received, goal)
        return StoredFile(
            name=spot.name,
            path=spot,
            size=received.size,
            mime_type=received.head.mime_type or type_of(spot.name),
            source="uploaded",
            content_hash=received.content_hash,
        )

    def _draft(self) -> Draft:
        with translate_os_errors("The folder is gone"):
            return self._staging.draft()

    async def _take(self, body: AsyncIterator[bytes], form: Form, received: Received) -> None:
        async for batch in _batches(body):
            await self._threads.run(self._feed, form, batch, received)
        received.head = form.finish()

    def _feed(self, form: Form, batch: bytes, received: Received) -> None:
        with translate_os_errors("The folder is gone"):
            form.feed(batch, received.take)

    def _put(self, received: Received, folder: Path) -> Path:
        with translate_os_errors("The folder is gone"):
            received.draft.sync()
            for name in _names(received.head.name, received.content_hash):
                with self._places.beneath.entry(folder, name) as spot:
                    try:
                        received.draft.claim(spot)
                    except FileExistsError:
                        if not _holds(spot, received):
                            continue
                    return spot.path
        raise Conflict("Files of this name and others like it are there already")


def _names(name: str, content_hash: str) -> Iterator[str]:
    yield name
    path = PurePosixPath(name)
    for length in (8, 16, 64):
        tail = f"_{content_hash[:length]}{path.suffix}"
        room = MAX_NAME_BYTES - len(tail.encode())
        yield path.stem.encode()[:room].decode("utf-8", "ignore") + tail


def _holds(spot: PathHandle, received: Received) -> bool:
    """Whether the file of this name is just these bytes."""
    found = spot.stat()
    if not found or not stat.S_ISREG(found.st_mode) or found.st_size != received.size:
        return False
    with spot.open() as file:
        return hash_of(file, received.size) == received.content_hash


async def _batches(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join small pieces, so that a thread is asked once for many."""
    batch = bytearray()
    while (piece := await _next(body)) is not None:
        batch += piece
        if len(batch) >= BATCH_BYTES:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)


async def _next(body: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            return await anext(body, None)
    except TimeoutError:
        raise BadRequest("The body stopped coming") from None


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read on, to nowhere, so that the client comes to read its answer."""
    drained = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while drained < MOST_DRAINED_BYTES and (piece := await anext(body, None)) is not None:
                drained += len(piece)
    except (TimeoutError, BadRequest):
        return
