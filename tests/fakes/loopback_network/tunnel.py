"""Copies bytes between two connections, in both directions and at the pace of the slower side."""

import asyncio
import ssl
from contextlib import suppress

CHUNK_BYTES = 1 << 16


async def tunnel(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: tuple[str, int]
) -> None:
    """Connect to `address` and copy until one side ends; then end both."""
    try:
        far_reader, far_writer = await asyncio.open_connection(*address)
    except OSError:
        writer.close()
        return
    try:
        copies = {
            asyncio.create_task(_copy(reader, far_writer), name="to the server"),
            asyncio.create_task(_copy(far_reader, writer), name="to the client"),
        }
        try:
            await asyncio.gather(*copies)
        finally:
            for copy in copies:
                copy.cancel()
    finally:
        far_writer.close()
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()
