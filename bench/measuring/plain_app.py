"""The baseline of streaming: a bare Starlette app that sends the same bytes.

Run as `python -m bench.measuring.plain_app PORT_FILE`; it writes the port it took into the file.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

JOINED_BYTES = 64 << 10
SLOW_BYTES = 1 << 10
SLOW_SECONDS = 3.0
SESSION = b"0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52"
FRAME = b'id: %d\nevent: text-delta\ndata: {"text":"%b","session_id":"%b"}\n\n'


def frames(count: int, size: int) -> Iterator[bytes]:
    """Make the frames that the server makes of `pour COUNT SIZE 0`."""
    for number in range(count):
        head = b"%d " % number
        yield FRAME % (number + 1, head + b"x" * (size - len(head)), SESSION)


def joined(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Join frames to about `most` bytes."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= most:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


async def slowly(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Spread frames over `SLOW_SECONDS`, as a model does."""
    parts = list(joined(pieces, SLOW_BYTES))
    for part in parts:
        yield part
        await asyncio.sleep(SLOW_SECONDS / len(parts))


async def at_once(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Produce frames while they are sent, as a server does."""
    for piece in pieces:
        yield piece


async def stream(request: Request) -> StreamingResponse:
    """Stream frames one by one, joined, or slowly."""
    pieces: Iterator[bytes] = frames(request.path_params["count"], request.path_params["size"])
    match request.path_params["kind"]:
        case "joined":
            body = at_once(joined(pieces, JOINED_BYTES))
        case "slow":
            body = slowly(pieces)
        case _:
            body = at_once(pieces)
    return StreamingResponse(body, media_type="text/event-stream")


def main() -> None:
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    Path(sys.argv[1]).write_text(str(listener.getsockname()[1]))
    app = Starlette(routes=[Route("/{kind}/{count:int}/{size:int}", stream)])
    config = uvicorn.Config(app, access_log=False, log_level="warning", http="httptools", ws="none")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main()
