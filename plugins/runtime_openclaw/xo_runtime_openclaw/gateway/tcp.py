"""The TCP connection to a gateway on this machine.

It is opened before websockets is imported, which takes 15 ms: most servers have no gateway.
"""

import asyncio
import socket
from urllib.parse import urlsplit

from xo_runtime_openclaw.gateway import unavailable
from xo_runtime_openclaw.options import Options

OPEN_SECONDS = 0.8


async def connect_tcp(options: Options) -> socket.socket:
    """Connect to the gateway's port within `OPEN_SECONDS`. Raises `GatewayUnavailable`."""
    url = urlsplit(options.ws_url)
    address = (url.hostname or "", url.port or (443 if url.scheme == "wss" else 80))
    try:
        connected = await asyncio.to_thread(socket.create_connection, address, OPEN_SECONDS)
    except OSError as error:
        raise unavailable.unreachable(options.ws_url, describe_failure(error)) from None
    connected.setblocking(False)
    return connected


def describe_failure(error: Exception) -> str:
    """Return why a connection could not be opened."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
