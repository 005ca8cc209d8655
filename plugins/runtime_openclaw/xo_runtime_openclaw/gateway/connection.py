"""One open socket to the gateway: handshake, requests, events. It owns one task, the reader.

A connection lives until its first fault and is never mended: `Gateway` opens another.
"""

import asyncio
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from xo_runtime_openclaw.gateway import unavailable as down
from xo_runtime_openclaw.gateway.frames import (
    Answer,
    Notice,
    Refused,
    Row,
    connect_params,
    parse,
    request,
    row,
)
from xo_runtime_openclaw.options import Options

HANDSHAKE_SECONDS = 4.0
OPEN_SECONDS = 0.8
CALL_SECONDS = 20.0
CLOSE_SECONDS = 1.0
MAX_FRAME_BYTES = 256 * 1024 * 1024
MAX_WAITING = 256
TICKS_MISSED = 3
NEEDED = frozenset({"operator.read", "operator.write"})
Listener = Callable[[Notice], None]


class Gone(Exception):
    """The socket is closed; what was asked may have happened or not."""


class Connection:
    """A connection past its handshake."""

    def __init__(self, socket: ClientConnection, hello: Row, listener: Listener) -> None:
        self.hello = hello
        self.scopes = frozenset(row(hello.get("auth")).get("scopes") or ())
        self.server = row(hello.get("server"))
        self.subscribed: set[str] = set()
        self._socket = socket
        self._listener = listener
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._number = 0
        self._reason = ""
        self.closed = asyncio.Event()
        policy = row(hello.get("policy"))
        self._silence = TICKS_MISSED * float(policy.get("tickIntervalMs") or 30_000) / 1000
        self.reader = asyncio.create_task(self._read(), name="openclaw reader")

    @property
    def alive(self) -> bool:
        return not self.closed.is_set()

    async def call(self, method: str, params: Row, *, seconds: float = CALL_SECONDS) -> Any:
        """Ask and return the payload. Raises `Refused`, `Gone`, TimeoutError."""
        if not self.alive or len(self._waiting) >= MAX_WAITING:
            raise Gone(self._reason or "too many requests wait for an answer")
        self._number += 1
        number = str(self._number)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(seconds):
                try:
                    await self._socket.send(request(number, method, params), text=True)
                except ConnectionClosed as error:
                    raise Gone(str(error)) from None
                answered = await answer
        finally:
            self._waiting.pop(number, None)
        if answered.error:
            raise Refused(method, answered.error)
        return answered.payload

    async def close(self) -> None:
        """Close it. Harmless twice."""
        self.reader.cancel()
        await asyncio.wait({self.reader}, timeout=CLOSE_SECONDS)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close()
        except TimeoutError:
            self._socket.transport.abort()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._silence) as clock:
                while True:
                    frame = parse(await self._socket.recv(decode=False))
                    clock.reschedule(loop.time() + self._silence)
                    if isinstance(frame, Notice):
                        self._listener(frame)
                    elif frame:
                        self._settle(frame)
        except ConnectionClosed as error:
            self._reason = str(error)
        except TimeoutError:
            self._reason = f"the gateway was silent for {self._silence:g} s"
            self._socket.transport.abort()
        finally:
            self._end()

    def _settle(self, answer: Answer) -> None:
        waiting = self._waiting.get(answer.id)
        if waiting and not waiting.done():
            waiting.set_result(answer)

    def _end(self) -> None:
        self.closed.set()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Gone(self._reason or "the connection was closed"))


async def open_connection(options: Options, token: str, listener: Listener) -> Connection:
    """Connect and shake hands. Raises `GatewayUnavailable`."""
    socket = await _socket(options)
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            hello = await _shake_hands(socket, token)
    except Refused as refused:
        await _drop(socket)
        raise down.handshake_refused(refused, has_token=bool(token)) from None
    except TimeoutError:
        await _drop(socket)
        raise down.starting() from None
    except ConnectionClosed as error:
        raise down.unreachable(options.ws_url, f"it hung up: {error}") from None
    except BaseException:
        await _drop(socket)
        raise
    return await _checked(Connection(socket, hello, listener))


async def _socket(options: Options) -> ClientConnection:
    try:
        return await connect(
            options.ws_url,
            open_timeout=OPEN_SECONDS if options.loopback else HANDSHAKE_SECONDS,
            compression=None,
            ping_interval=None,
            max_size=MAX_FRAME_BYTES,
            proxy=None if options.loopback else True,
        )
    except InvalidStatus as error:
        raise down.no_upgrade(error.response.status_code) from None
    except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
        raise down.unreachable(options.ws_url, _reason(error)) from None


async def _shake_hands(socket: ClientConnection, token: str) -> Row:
    await socket.recv(decode=False)  # connect.challenge: its nonce is for paired devices
    params = connect_params(token, version("xo-runtime-openclaw"))
    await socket.send(request("connect", "connect", params), text=True)
    while True:
        answer = parse(await socket.recv(decode=False))
        if isinstance(answer, Answer):
            break
    if answer.error:
        raise Refused("connect", answer.error)
    return row(answer.payload)


async def _checked(connection: Connection) -> Connection:
    """Refuse a gateway that lets us in but not far: with an Origin, it grants no scopes."""
    spoken = connection.hello.get("protocol")
    missing = sorted(NEEDED - connection.scopes)
    if spoken != 4 or missing:
        await connection.close()
        raise down.scopes_missing(missing) if spoken == 4 else down.wrong_protocol(spoken)
    return connection


async def _drop(socket: ClientConnection) -> None:
    socket.transport.abort()
    await asyncio.sleep(0)


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
