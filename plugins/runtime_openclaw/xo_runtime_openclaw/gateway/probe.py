"""Questions to the gateway's port over HTTP. httpx is loaded for the first of them: most servers
never ask one, and loading it is a tenth of a server's start."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from xo_runtime_openclaw.options import Options

if TYPE_CHECKING:
    import httpx

OK = 200
SECONDS = 1.0


async def load_httpx() -> None:
    """Load it in a thread: afterwards an import costs nothing."""
    await asyncio.to_thread(import_module, "httpx")


async def ask(options: Options, path: str) -> "httpx.Response | None":
    """Get this path, within `SECONDS`; None when nobody answers."""
    await load_httpx()
    import httpx  # noqa: PLC0415

    try:
        # reading the certificates takes longer than the question, and loopback needs none
        away = not options.loopback
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=away, verify=away) as client:
            return await client.get(f"{options.http_url}{path}")
    except httpx.HTTPError:
        return None


async def answers(options: Options, path: str) -> bool:
    """Ask `/healthz` or `/readyz`. Raises nothing."""
    answer = await ask(options, path)
    return answer is not None and answer.status_code == OK
