"""The three pipes of a supervised process, read and written on the event loop.

They own no task: the loop calls them when a pipe is ready. The process that owns a pipe closes it.
"""

import asyncio
import fcntl
import os
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from xo_cowork_core.sdk import AgentFailure

CHUNK_BYTES = 256 * 1024
TAIL_BYTES = 8 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024


class ReadPipe:
    """Reads a pipe until end of file or until the process is dead."""

    def __init__(self, pipe: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        with suppress(AttributeError, OSError):  # Linux only, and the user's quota may be spent
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, CHUNK_BYTES)
        self._pipe = pipe
        self._loop = asyncio.get_running_loop()
        self.resume()

    def received(self, data: bytes) -> None:
        raise NotImplementedError

    def resume(self) -> None:
        if not self._pipe.closed:
            self._loop.add_reader(self._pipe.fileno(), self._ready)

    def pause(self) -> None:
        if not self._pipe.closed:
            self._loop.remove_reader(self._pipe.fileno())

    def finish(self) -> None:
        """Read what the dead process left in the pipe, and no more.

        Another process may hold the other end and write without end.
        """
        with suppress(ValueError, OSError):
            waiting = bytearray(4)
            fcntl.ioctl(self._pipe.fileno(), termios.FIONREAD, waiting)
            remaining = int.from_bytes(waiting, sys.byteorder)
            while remaining > 0 and (data := os.read(self._pipe.fileno(), remaining)):
                remaining -= len(data)
                self.received(data)
        self.close()

    def close(self) -> None:
        self.pause()
        self._pipe.close()

    def _ready(self) -> None:
        try:
            data = os.read(self._pipe.fileno(), CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.received(data)
        else:
            self.close()


class Tail(ReadPipe):
    """stderr: read to its end; the last `keep_bytes` are kept."""

    def __init__(
        self,
        pipe: IO[bytes],
        *,
        keep_bytes: int = TAIL_BYTES,
        on_data: Callable[[], None] | None = None,
    ) -> None:
        self._tail = b""
        self._keep_bytes = keep_bytes
        self._on_data = on_data
        super().__init__(pipe)

    def received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-self._keep_bytes :]
        if self._on_data:
            self._on_data()

    @property
    def text(self) -> str:
        return self._tail.decode(errors="replace")


class Lines(ReadPipe):
    """stdout: an iterator over batches of lines.

    A slow consumer lets the pipe fill up, so that the process waits. A later iteration continues
    where the previous one stopped.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._chunks: list[bytes] = []
        self._chunk_bytes = 0
        self._fragments: list[bytes] = []
        self._fragment_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        super().__init__(pipe)

    def received(self, data: bytes) -> None:
        self._chunks.append(data)
        self._chunk_bytes += len(data)
        if self._chunk_bytes >= CHUNK_BYTES:
            self.pause()
        self._wake()

    def close(self) -> None:
        super().close()
        self._wake()

    def __aiter__(self) -> "Lines":
        return self

    async def __anext__(self) -> list[bytes]:
        while True:
            if self._chunks:
                if lines := self._split():
                    return lines
            elif self._pipe.closed:
                return self._last_line()
            else:
                await self._wait_for_data()

    def _split(self) -> list[bytes]:
        chunks, self._chunks, byte_count, self._chunk_bytes = self._chunks, [], self._chunk_bytes, 0
        if byte_count >= CHUNK_BYTES:
            self.resume()
        self._fragments += chunks
        self._fragment_bytes += byte_count
        lines: list[bytes] = []
        # join only when a line end arrived: a line of n chunks is copied once, not n times
        if any(b"\n" in chunk for chunk in chunks):
            data = b"".join(self._fragments)
            lines = data.split(b"\n")
            rest = lines.pop()
            self._fragments, self._fragment_bytes = [rest], len(rest)
            if b"\r\n" in data:
                lines = [line.removesuffix(b"\r") for line in lines]
        if self._fragment_bytes > MAX_LINE_BYTES or (lines and len(lines[0]) > MAX_LINE_BYTES):
            self._refuse_long_line()
        return lines

    def _last_line(self) -> list[bytes]:
        rest = b"".join(self._fragments)
        self._fragments = []
        if not rest:
            raise StopAsyncIteration
        return [rest]

    def _refuse_long_line(self) -> None:
        self._chunks, self._fragments = [], []
        self.close()
        raise AgentFailure("The agent printed a line longer than 64 MiB.", code="upstream")

    async def _wait_for_data(self) -> None:
        if self._waiter is not None:
            raise RuntimeError("one reader at a time")
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Input:
    """stdin. A message that was begun is completed before the next, also when its writer is
    cancelled: the process never reads half a line of one message and half of another."""

    def __init__(self, pipe: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._unwritten = memoryview(b"")
        self._waiter: asyncio.Future[None] | None = None

    async def write(self, data: bytes, timeout: float) -> None:
        try:
            async with asyncio.timeout(timeout), self._lock:
                await self._flush()
                self._unwritten = memoryview(data)
                await self._flush()
        except TimeoutError:
            raise AgentFailure("The agent stopped reading its input.", code="timeout") from None
        except (BrokenPipeError, ValueError):
            raise AgentFailure("The agent's process has ended.", code="crashed") from None

    def close(self) -> None:
        if not self._pipe.closed:
            self._loop.remove_writer(self._pipe.fileno())
            self._pipe.close()
        self._wake()

    async def _flush(self) -> None:
        while self._unwritten:
            try:
                written = os.write(self._pipe.fileno(), self._unwritten[:CHUNK_BYTES])
            except BlockingIOError:
                await self._wait_until_writable()
            else:
                self._unwritten = self._unwritten[written:]

    async def _wait_until_writable(self) -> None:
        self._waiter = self._loop.create_future()
        self._loop.add_writer(self._pipe.fileno(), self._wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if not self._pipe.closed:
                self._loop.remove_writer(self._pipe.fileno())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
