"""What a runtime is asked outside a turn: with a limit, and its faults made ours."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from xo_cowork_core.sdk import Unavailable, UpstreamFailed, XoError

T = TypeVar("T")
ASK_SECONDS = 10.0
RETRY_AFTER_SECONDS = 5
log = logging.getLogger("xo_cowork.asking")


async def ask(answer: Awaitable[T], wish: str, seconds: float = ASK_SECONDS) -> T:
    """Wait for a runtime's answer. `wish` completes "the runtime could not …".

    Raises the runtime's own `XoError`, Unavailable when it takes too long, UpstreamFailed for
    whatever else it raises.
    """
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except XoError:
        raise
    except TimeoutError:
        raise Unavailable(
            f"The runtime could not {wish} within {seconds:g} s",
            retry_after=RETRY_AFTER_SECONDS,
        ) from None
    except (Exception, SystemExit) as error:
        log.exception("the runtime could not %s", wish)
        raise UpstreamFailed(f"The runtime could not {wish}") from error
