"""HTTP probes of the gateway's port.

httpx is imported at the first probe: most servers never probe, and the import is a tenth of a
server's start time.
"""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from xo_runtime_openclaw.options import Options

if TYPE_CHECKING:
    import httpx

OK = 200
SECONDS = 1.0


async def load_httpx() -> None:
    """Import httpx in a thread; later imports cost nothing."""
    await asyncio.to_thread(import_module, "httpx")


async def get(options: Options, path: str) -> "httpx.Response | None":
    """GET a path within `SECONDS`; None when nothing answers."""
    await load_httpx()
    import httpx  # noqa: PLC0415

    try:
        # loading certificates takes longer than the probe, and loopback needs none
        is_remote = not options.loopback
        async with httpx.AsyncClient(
            timeout=SECONDS, trust_env=is_remote, verify=is_remote
        ) as client:
            return await client.get(f"{options.http_url}{path}")
    except httpx.HTTPError:
        return None


async def answers(options: Options, path: str) -> bool:
    """Return whether a probe path answers with 200. Raises nothing."""
    answer = await get(options, path)
    return answer is not None and answer.status_code == OK
