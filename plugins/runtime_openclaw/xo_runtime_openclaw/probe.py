"""Does the gateway's port answer HTTP?"""

import httpx

from xo_runtime_openclaw.options import Options

SECONDS = 1.0


async def answers(options: Options, path: str) -> bool:
    """Ask `/healthz` or `/readyz`, at most `SECONDS`. Raises nothing."""
    try:
        # reading the certificates takes longer than the question, and loopback needs none
        away = not options.loopback
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=away, verify=away) as client:
            return (await client.get(f"{options.http_url}{path}")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
