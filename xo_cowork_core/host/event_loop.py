"""Ends event loops on which plugins' code has run: a task that hangs must not keep the process."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

LEFTOVER_SECONDS = 1.0
T = TypeVar("T")


def run_with_plugins(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own. Tasks that ignore their cancellation are abandoned."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        is_hanging = loop.run_until_complete(cancel_remaining_tasks())
        if not is_hanging:
            loop.close()


async def cancel_remaining_tasks() -> bool:
    """Cancel the tasks that are left; True when one of them does not end."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if not tasks:
        return False
    _, pending = await asyncio.wait(tasks, timeout=LEFTOVER_SECONDS)
    return bool(pending)
