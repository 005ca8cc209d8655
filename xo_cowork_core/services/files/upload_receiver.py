"""Receives uploads: written and hashed as they arrive, placed when complete."""

import asyncio
import hashlib
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from xo_cowork_core.sdk import BadRequest, Conflict
from xo_cowork_core.sdk.errors import TooLarge
from xo_cowork_core.services.files.etags import hash_of
from xo_cowork_core.services.files.os_errors import translate_os_errors
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.stored_files import StoredFile, mime_type_of
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.paths import MAX_NAME_BYTES
from xo_cowork_core.storage.rooted_fs import PathHandle
from xo_cowork_core.storage.staging import StagedFile, StagingArea

MAX_BYTES = 100 << 20
BATCH_BYTES = 512 << 10
IDLE_SECONDS = 60.0
# a client that is still sending when it is answered may never read the answer
MAX_DRAINED_BYTES = 1 << 30
DRAIN_SECONDS = 30.0
DEFAULT_FOLDER = "uploads"
Sink = Callable[[bytes], None]


class FormParser(Protocol):
    """Parses a body of several parts, of which one is the file."""

    def feed(self, body: bytes, sink: Sink) -> None:
        """Parse the next bytes; the file's content goes to `sink`. Raises BadRequest."""
        ...

    def finish(self) -> "UploadHeader":
        """Return the file's metadata from the form. Raises BadRequest when there is no file."""
        ...


class UploadHeader(NamedTuple):
    """The metadata that a client sent for its file: a bare name, a MIME type, a folder."""

    name: str
    mime_type: str
    folder: str


class ReceivedFile:
    """An upload that is staged, not yet placed. `header` is known when it is complete."""

    def __init__(self, staged: StagedFile) -> None:
        self.staged = staged
        self.header = UploadHeader("", "", "")
        self.size = 0
        self._digest = hashlib.sha256()

    @property
    def content_hash(self) -> str:
        return self._digest.hexdigest()

    @property
    def fingerprint(self) -> str:
        """A hash of header and content. Bodies differ between attempts: each has a boundary of
        its own."""
        header = self.header
        parts = (header.name, header.mime_type, header.folder, self.content_hash)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()

    def append(self, chunk: bytes) -> None:
        """Append to the file. Raises TooLarge."""
        self.size += len(chunk)
        if self.size > MAX_BYTES:
            raise TooLarge("File exceeds 100 MB limit")
        self._digest.update(chunk)
        self.staged.write(chunk)

    def complete(self, header: UploadHeader) -> None:
        """Record the file's metadata from the form."""
        self.header = header


class UploadReceiver:
    """Receives uploads of clients."""

    def __init__(self, resolver: PathResolver, staging: StagingArea, threads: DiskThreads) -> None:
        self._resolver = resolver
        self._staging = staging
        self._threads = threads

    @asynccontextmanager
    async def receive(
        self, body: AsyncIterator[bytes], form: FormParser
    ) -> AsyncGenerator[ReceivedFile]:
        """Read a whole body; a file that is not placed inside the context is removed after it.

        Raises BadRequest, TooLarge or Unavailable.
        """
        received = ReceivedFile(await self._threads.run(self._create_file))
        try:
            try:
                await self._read(body, form, received)
            except TooLarge:
                await _drain(body)
                raise
            yield received
        finally:
            await self._threads.run(received.staged.discard)

    async def place(self, received: ReceivedFile) -> StoredFile:
        """Place a file under its name, or under a derived name where other content has that.

        Raises BadRequest, Forbidden, Conflict or Unavailable.
        """
        header = received.header
        folder = (
            self._resolver.path(header.folder)
            if header.folder
            else self._resolver.home / DEFAULT_FOLDER
        )
        path = await self._threads.run(self._place, received, folder)
        return StoredFile(
            name=path.name,
            path=path,
            size=received.size,
            mime_type=header.mime_type or mime_type_of(path.name),
            source="uploaded",
            content_hash=received.content_hash,
        )

    def _create_file(self) -> StagedFile:
        with translate_os_errors("The folder is gone"):
            return self._staging.create_file()

    async def _read(
        self, body: AsyncIterator[bytes], form: FormParser, received: ReceivedFile
    ) -> None:
        async for batch in _batches(body):
            await self._threads.run(self._feed, form, batch, received)
        received.complete(form.finish())

    def _feed(self, form: FormParser, batch: bytes, received: ReceivedFile) -> None:
        with translate_os_errors("The folder is gone"):
            form.feed(batch, received.append)

    def _place(self, received: ReceivedFile, folder: Path) -> Path:
        with translate_os_errors("The folder is gone"):
            received.staged.sync()
            for name in _candidate_names(received.header.name, received.content_hash):
                with self._resolver.fs.open_entry(folder, name) as handle:
                    try:
                        received.staged.claim(handle)
                    except FileExistsError:
                        if not _has_same_content(handle, received):
                            continue
                    return handle.path
        raise Conflict("Files of this name and others like it are there already")


def _candidate_names(name: str, content_hash: str) -> Iterator[str]:
    yield name
    path = PurePosixPath(name)
    for length in (8, 16, 64):
        tail = f"_{content_hash[:length]}{path.suffix}"
        room = MAX_NAME_BYTES - len(tail.encode())
        yield path.stem.encode()[:room].decode("utf-8", "ignore") + tail


def _has_same_content(handle: PathHandle, received: ReceivedFile) -> bool:
    status = handle.stat()
    if not status or not stat.S_ISREG(status.st_mode) or status.st_size != received.size:
        return False
    with handle.open() as file:
        return hash_of(file, received.size) == received.content_hash


async def _batches(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join small chunks, so that one call to a thread writes many of them."""
    batch = bytearray()
    while (chunk := await _next_chunk(body)) is not None:
        batch += chunk
        if len(batch) >= BATCH_BYTES:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)


async def _next_chunk(body: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            return await anext(body, None)
    except TimeoutError:
        raise BadRequest("The client sent no data for too long") from None


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read the rest and drop it, so that the client gets to read its answer."""
    drained = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while drained < MAX_DRAINED_BYTES and (chunk := await anext(body, None)) is not None:
                drained += len(chunk)
    except (TimeoutError, BadRequest):
        return
