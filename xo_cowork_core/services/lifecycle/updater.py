"""Updates the checkout that the server runs from, then restarts the server."""

import asyncio

from xo_cowork_core.sdk import Conflict
from xo_cowork_core.services.lifecycle.checkout import Checkout
from xo_cowork_core.services.lifecycle.server_control import ServerControl

CANNOT_START = (
    "The new version does not start with the installed packages, so the old one is back: "
    "run `git pull` and `make setup` in the checkout, then restart."
)


class Updater:
    """Carries out one update at a time."""

    def __init__(self, checkout: Checkout, control: ServerControl) -> None:
        self._checkout = checkout
        self._control = control
        self._lock = asyncio.Lock()
        self._updates = set[asyncio.Task[None]]()

    async def update(self) -> None:
        """Fast-forward the checkout and request a restart.

        Raises Conflict with the reason when that is not possible; then nothing has changed.
        Raises UpstreamFailed when the remote repository can't be read.
        """
        if self._lock.locked():
            raise Conflict("Another update is running.")
        # a client that leaves must not leave a half-finished update behind
        task = asyncio.create_task(self._update(), name="update")
        self._updates.add(task)
        task.add_done_callback(self._updates.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(task)

    async def _update(self) -> None:
        async with self._lock:
            await self._control.require_startable()
            old = await self._checkout.require_updatable()
            new = await self._checkout.fetch()
            await self._checkout.fast_forward(old, new)
            if not await self._checkout.can_start():
                await self._checkout.restore(old)
                raise Conflict(CANNOT_START)
            await self._control.request_restart()
