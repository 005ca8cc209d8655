"""Many readers of one stream, in a process of their own, each on a plain socket.

Reads a path from stdin, opens `COUNT` connections on it, prints one line of JSON. Run as
`python -m bench.measuring.readers HOST PORT COUNT`.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass

from bench.measuring.frames import Content, decode_body, parse_content
from bench.measuring.wire import Address, encode_get

CONNECTING_AT_ONCE = 50
END_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class ReadersResult:
    """The result of all readers: `same` of them received exactly what the first one did."""

    content: Content
    same: int


async def read(address: Address, path: str, gate: asyncio.Semaphore) -> bytes:
    """Read one answer to its end."""
    async with gate:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(encode_get(address, path))
        await writer.drain()
    try:
        return await reader.read()
    finally:
        writer.close()


async def read_all(address: Address, path: str, count: int) -> ReadersResult:
    """Read one stream with all connections and compare the results."""
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
    async with asyncio.timeout(END_SECONDS):
        raw = await asyncio.gather(*(read(address, path, gate) for _ in range(count)))
    first = decode_body(raw[0])
    return ReadersResult(parse_content(first), sum(decode_body(one) == first for one in raw))


def main() -> None:
    """Read one stream with many connections."""
    address, count = Address(sys.argv[1], int(sys.argv[2])), int(sys.argv[3])
    print("ready", flush=True)
    crowd = asyncio.run(read_all(address, sys.stdin.readline().strip(), count))
    print(json.dumps(asdict(crowd)))


if __name__ == "__main__":
    main()
