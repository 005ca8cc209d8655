"""Pending requests to refresh the index, and their waiters. Belongs to one event loop."""

import asyncio

FRESH_SECONDS = 0.5
DEBOUNCE_SECONDS = 0.3
# a scan would compete with the first requests for the interpreter
FIRST_SCAN_SECONDS = 0.3
WAIT_SECONDS = 0.1
FIRST_WAIT_SECONDS = 1.0
SCAN_SHARE = 4  # a scan runs at most one in this many parts of the time


class RefreshRequests:
    """Requests for a scan, from readers of the index to the task that refreshes it."""

    def __init__(self) -> None:
        self._requested = asyncio.Event()
        self._scanned = asyncio.Event()
        self._last_scan = float("-inf")
        self._fresh_seconds = FRESH_SECONDS
        self._is_served = False
        # a turn changed something that no scan has covered yet
        self._is_stale = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_stale(self) -> bool:
        """Whether a turn changed a session that no scan has covered yet."""
        return self._is_stale

    @property
    def is_scanning(self) -> bool:
        """Whether a scan runs or is requested."""
        return not self._scanned.is_set()

    async def ensure_fresh(self) -> None:
        """Refresh the index if the last scan is older than 0.5 s.

        Waits for the first scan, and for what a turn of this server changed, up to 1 s; for what
        others wrote up to 0.1 s.
        """
        if not self._is_served:
            return
        now = asyncio.get_running_loop().time()
        is_fresh = now - self._last_scan < self._fresh_seconds
        if is_fresh and not self._is_stale and not self._requested.is_set():
            return
        waits = self._is_stale or self._last_scan == float("-inf")
        self.request_scan()
        await self.wait_for_scan(FIRST_WAIT_SECONDS if waits else WAIT_SECONDS)

    async def rescan(self, seconds: float) -> None:
        """Scan, however fresh the last scan is, and wait for it at most `seconds`."""
        if self._is_served:
            self.request_scan()
            await self.wait_for_scan(seconds)

    async def wait_for_scan(self, seconds: float) -> bool:
        """Wait until no scan is requested or running; False when that takes longer."""
        try:
            async with asyncio.timeout(seconds):
                await self._scanned.wait()
        except TimeoutError:
            return False
        return True

    def request_scan(self) -> None:
        """Request a scan in the background, at once."""
        self._cancel_timer()
        self._scanned.clear()
        self._requested.set()

    def mark_stale(self) -> None:
        """Called after a turn changed a session: scan within 0.3 s, or when the index is read."""
        self._scanned.clear()
        self._is_stale = True
        if self._timer is None and self._is_served:
            self._timer = asyncio.get_running_loop().call_later(DEBOUNCE_SECONDS, self.request_scan)

    def serve(self) -> None:
        """Start accepting requests. The first scan starts with the first of them, or soon."""
        self._is_served = True
        self._timer = asyncio.get_running_loop().call_later(FIRST_SCAN_SECONDS, self.request_scan)

    def end(self) -> None:
        """Stop accepting requests."""
        self._is_served = False
        self._cancel_timer()

    async def next(self) -> None:
        """Wait for a request and start its scan; later requests need another scan."""
        await self._requested.wait()
        self._requested.clear()
        self._is_stale = False
        self._last_scan = asyncio.get_running_loop().time()

    def finish(self, scan_seconds: float) -> None:
        """End the scan that `next` began, which took that long."""
        self._fresh_seconds = max(FRESH_SECONDS, SCAN_SHARE * scan_seconds)
        if not self._requested.is_set() and not self._is_stale:
            self._scanned.set()

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
