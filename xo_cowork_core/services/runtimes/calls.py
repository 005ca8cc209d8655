"""Calls of a runtime outside a turn, with a time limit and with its errors translated."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from xo_cowork_core.sdk import Unavailable, UpstreamFailed, XoError

T = TypeVar("T")
CALL_SECONDS = 10.0
RETRY_AFTER_SECONDS = 5
log = logging.getLogger("xo_cowork.runtimes")


async def call_runtime(call: Awaitable[T], action: str, seconds: float = CALL_SECONDS) -> T:
    """Await a call of a runtime. `action` completes the sentence "the runtime could not …".

    Raises the runtime's own `XoError`, Unavailable when the call takes longer than `seconds`,
    UpstreamFailed for any other exception.
    """
    try:
        async with asyncio.timeout(seconds):
            return await call
    except XoError:
        raise
    except TimeoutError:
        raise Unavailable(
            f"The runtime could not {action} within {seconds:g} s",
            retry_after=RETRY_AFTER_SECONDS,
        ) from None
    except (Exception, SystemExit) as error:
        log.exception("the runtime could not %s", action)
        raise UpstreamFailed(f"The runtime could not {action}") from error
