"""One WebSocket connection to the gateway: handshake, requests, events.

Owns one task, the reader. A connection ends at its first error; `Gateway` opens the next one.
"""

import asyncio
import socket
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from xo_runtime_openclaw.gateway import unavailable
from xo_runtime_openclaw.gateway.frames import (
    CALL_SECONDS,
    ConnectionLost,
    GatewayError,
    GatewayEvent,
    Response,
    Row,
    connect_params,
    parse,
    request,
    row,
)
from xo_runtime_openclaw.gateway.tcp import describe_failure
from xo_runtime_openclaw.options import Options

HANDSHAKE_SECONDS = 4.0
CLOSE_SECONDS = 1.0
MAX_FRAME_BYTES = 256 * 1024 * 1024
MAX_WAITING = 256
TICKS_MISSED = 3
NEEDED = frozenset({"operator.read", "operator.write"})
EventListener = Callable[[GatewayEvent], None]


class Connection:
    """An open connection after the handshake."""

    def __init__(self, socket: ClientConnection, hello: Row, on_event: EventListener) -> None:
        self.hello = hello
        self.scopes = frozenset(row(hello.get("auth")).get("scopes") or ())
        self.server = row(hello.get("server"))
        self.subscribed: set[str] = set()
        self._socket = socket
        self._on_event = on_event
        self._waiting: dict[str, asyncio.Future[Response]] = {}
        self._last_id = 0
        self._reason = ""
        self.closed = asyncio.Event()
        policy = row(hello.get("policy"))
        self._silence = TICKS_MISSED * float(policy.get("tickIntervalMs") or 30_000) / 1000
        self.reader = asyncio.create_task(self._read(), name="openclaw reader")

    @property
    def alive(self) -> bool:
        return not self.closed.is_set()

    async def call(self, method: str, params: Row, *, seconds: float = CALL_SECONDS) -> Any:
        """Send a request and return the payload.

        Raises `GatewayError`, `ConnectionLost`, TimeoutError.
        """
        if not self.alive or len(self._waiting) >= MAX_WAITING:
            raise ConnectionLost(self._reason or "too many requests wait for an answer")
        self._last_id += 1
        request_id = str(self._last_id)
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        try:
            async with asyncio.timeout(seconds):
                try:
                    await self._socket.send(request(request_id, method, params), text=True)
                except ConnectionClosed as error:
                    raise ConnectionLost(str(error)) from None
                response = await answer
        finally:
            self._waiting.pop(request_id, None)
        if response.error:
            raise GatewayError(method, response.error)
        return response.payload

    async def close(self) -> None:
        """Close the connection; repeatable."""
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
                    if isinstance(frame, GatewayEvent):
                        self._on_event(frame)
                    elif frame:
                        self._resolve(frame)
        except ConnectionClosed as error:
            self._reason = str(error)
        except TimeoutError:
            self._reason = f"the gateway was silent for {self._silence:g} s"
            self._socket.transport.abort()
        finally:
            self._end()

    def _resolve(self, answer: Response) -> None:
        waiting = self._waiting.get(answer.id)
        if waiting and not waiting.done():
            waiting.set_result(answer)

    def _end(self) -> None:
        self.closed.set()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionLost(self._reason or "the connection was closed"))


async def open_connection(
    options: Options, token: str, on_event: EventListener, tcp: socket.socket | None
) -> Connection:
    """Complete the handshake, over `tcp` if given. Raises `GatewayUnavailable`."""
    socket = await _socket(options, tcp)
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            hello = await _handshake(socket, token)
    except GatewayError as refused:
        await _abort(socket)
        raise unavailable.handshake_refused(refused, has_token=bool(token)) from None
    except TimeoutError:
        await _abort(socket)
        raise unavailable.starting() from None
    except ConnectionClosed as error:
        raise unavailable.unreachable(options.ws_url, f"it hung up: {error}") from None
    except BaseException:
        await _abort(socket)
        raise
    return await _verified(Connection(socket, hello, on_event))


async def _socket(options: Options, tcp: socket.socket | None) -> ClientConnection:
    try:
        return await connect(
            options.ws_url,
            sock=tcp,
            open_timeout=HANDSHAKE_SECONDS,
            compression=None,
            ping_interval=None,
            max_size=MAX_FRAME_BYTES,
            proxy=None if options.loopback else True,
        )
    except InvalidStatus as error:
        raise unavailable.no_upgrade(error.response.status_code) from None
    except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
        raise unavailable.unreachable(options.ws_url, describe_failure(error)) from None


async def _handshake(socket: ClientConnection, token: str) -> Row:
    await socket.recv(decode=False)  # connect.challenge: its nonce is for paired devices
    params = connect_params(token, version("xo-runtime-openclaw"))
    await socket.send(request("connect", "connect", params), text=True)
    while True:
        answer = parse(await socket.recv(decode=False))
        if isinstance(answer, Response):
            break
    if answer.error:
        raise GatewayError("connect", answer.error)
    return row(answer.payload)


async def _verified(connection: Connection) -> Connection:
    """Return the connection if its protocol and scopes suffice.

    With an Origin header the gateway grants no scopes.
    """
    protocol = connection.hello.get("protocol")
    missing = sorted(NEEDED - connection.scopes)
    if protocol != 4 or missing:
        await connection.close()
        raise (
            unavailable.scopes_missing(missing)
            if protocol == 4
            else unavailable.wrong_protocol(protocol)
        )
    return connection


async def _abort(socket: ClientConnection) -> None:
    socket.transport.abort()
    await asyncio.sleep(0)
