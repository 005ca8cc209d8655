"""A TCP proxy on the loopback that can drop its connections. Runs in its own thread."""

import asyncio
import threading
import time


class TcpProxy:
    """Forwards bytes to `port` of the loopback. `dropped` counts the connections that it broke."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_refusing = False
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0
        self.dropped = 0

    def __enter__(self) -> "TcpProxy":
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def drop_connections(self) -> None:
        """Break every connection; new ones are accepted."""
        self._run(self._drop())

    def refuse_for(self, seconds: float) -> None:
        """Break every connection, and refuse new ones for some seconds."""
        self._is_refusing = True
        self.drop_connections()
        time.sleep(seconds)
        self._is_refusing = False

    def _run(self, coroutine) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _drop(self) -> None:
        self.dropped += len(self._writers)
        for writer in list(self._writers):
            writer.transport.abort()

    async def _end(self) -> None:
        await self._drop()
        if self._server:
            self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        if self._is_refusing:
            self.dropped += 1
            writer.transport.abort()
            upstream.transport.abort()
            return
        self._writers |= {writer, upstream}
        try:
            await asyncio.gather(_copy(reader, upstream), _copy(upstream_reader, writer))
        except asyncio.CancelledError:
            # the server's own task logs every exception that leaves here
            return
        finally:
            self._writers -= {writer, upstream}
            writer.transport.abort()
            upstream.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, OSError):
        pass
    finally:
        if not writer.is_closing():
            writer.transport.abort()
