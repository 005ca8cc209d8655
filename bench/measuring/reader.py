"""The reader of one stream, in its own process: it parses after it has read everything.

Waits for a path on stdin, reads the answer to its end, prints one line of JSON. Run as
`python -m bench.measuring.reader HOST PORT`.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from bench.measuring.frames import Content, decode_body, parse_content
from bench.measuring.wire import RECEIVE_BYTES, Address, connect, encode_get

END_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class ReceivedStream:
    """A received stream. `first_at` and `last_at` are on the machine's monotonic clock."""

    content: Content
    size: int
    first_at: float
    last_at: float


class ReaderProcess:
    """Starts a reader and waits until it is connected, so that its start is not measured."""

    def __init__(self, address: Address) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "bench.measuring.reader", address.host, str(address.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._child.stdout
        assert self._child.stdout.readline() == "connected\n"

    def read(self, path: str) -> None:
        """Give it the path to read."""
        assert self._child.stdin
        self._child.stdin.write(path + "\n")
        self._child.stdin.flush()

    def reading(self) -> ReceivedStream:
        """Wait for its end and return the received stream."""
        out, _ = self._child.communicate(timeout=END_SECONDS)
        fields = json.loads(out)
        return ReceivedStream(Content(**fields.pop("content")), **fields)


def main() -> None:
    """Read one stream."""
    address = Address(sys.argv[1], int(sys.argv[2]))
    with connect(address) as connection:
        print("connected", flush=True)
        connection.sendall(encode_get(address, sys.stdin.readline().strip()))
        chunks: list[bytes] = []
        first_at = 0.0
        while data := connection.recv(RECEIVE_BYTES):
            first_at = first_at or time.monotonic()
            chunks.append(data)
        last_at = time.monotonic()
    body = decode_body(b"".join(chunks))
    print(json.dumps(asdict(ReceivedStream(parse_content(body), len(body), first_at, last_at))))


if __name__ == "__main__":
    main()
