"""An HTTP proxy that opens tunnels to the hosts of a table, and to no other."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from tests.fakes.loopback_network.tunnel import tunnel

REFUSAL = (
    b"HTTP/1.1 502 Not In The Loopback Network\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)
ACCEPTANCE = b"HTTP/1.1 200 Connection established\r\n\r\n"
HEAD_SECONDS = 10.0


class ConnectProxy:
    """Serves `CONNECT <host>:443`. Any other request is refused, and its target recorded.

    `addresses` is where the server of each host listens.
    """

    def __init__(self, addresses: Mapping[str, tuple[str, int]]) -> None:
        self.connected: list[str] = []
        self.refused: list[str] = []
        self._addresses = addresses

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
            writer.close()
            return
        method, _, rest = head.decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        host, _, port = target.rpartition(":")
        address = self._addresses.get(host.lower())
        if method != "CONNECT" or port != "443" or address is None:
            self.refused.append(target if method == "CONNECT" else f"{method} {target}")
            writer.write(REFUSAL)
            writer.close()
            return
        self.connected.append(host.lower())
        writer.write(ACCEPTANCE)
        with suppress(ConnectionError):
            await tunnel(reader, writer, address)
