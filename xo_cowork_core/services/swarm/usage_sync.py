"""Reports the usage of each day that is over to the XO service, once, from a set hour on.

Owns one task, from `start` to `stop`. It looks at the clock once a minute, and reads the index at
most once a day, or after a failure. What it reads is read in the index's threads.

A day is reported when the machine's clock says that it is over. It is recorded after the service
has taken it; a server that dies in between reports it again, with the same `record_id`, which the
service replaces. Days without usage are not reported.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import timedelta

from xo_cowork_core.sdk import Unauthorized, Unavailable, XoError
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.services.backoff import Backoff
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.identity.identity import Identity
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.swarm.reported_days import ReportedDays
from xo_cowork_core.services.swarm.swarm_api import SwarmApi
from xo_cowork_core.services.swarm.usage_records import Workspace, usage_record
from xo_cowork_core.services.usage.report import UsageReports

FIRST_PAUSE_SECONDS = 2.0
PAUSE_SECONDS = 60.0
FIRST_RETRY_SECONDS = 30.0
MAX_RETRY_SECONDS = 3600.0
SCAN_SECONDS = 600.0
MAX_DAYS = 365
DAYS_PER_REPORT = 31
log = logging.getLogger("xo_cowork.swarm")


class UsageSync:
    """Reports the days of one server. `hour` is in UTC; `workspace_name` is for people."""

    def __init__(
        self,
        *,
        api: SwarmApi,
        identity: Identity,
        index: Index,
        usage: UsageReports,
        reported: ReportedDays,
        clock: Clock,
        hour: int,
        workspace_name: str,
    ) -> None:
        self._api = api
        self._identity = identity
        self._index = index
        self._usage = usage
        self._reported = reported
        self._clock = clock
        self._hour = hour
        self._workspace_name = workspace_name
        self._backoff = Backoff(FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS)
        self._task: asyncio.Task[None] | None = None
        # the account and the last day of the last complete report
        self._complete: tuple[str, str] | None = None

    def start(self) -> None:
        """Begin to report."""
        if self._identity.base_url:
            self._task = asyncio.create_task(self._run(), name="usage sync")

    async def stop(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def sync(self) -> None:
        """Report every day that is over and was not reported.

        Does nothing while nobody is signed in. Raises Unavailable, Unauthorized, UpstreamFailed.
        """
        if not self._identity.state().authenticated:
            return
        account = self._identity.account_key()
        last = self._last_day()
        if self._complete == (account, last):
            return
        await self._index.rescan(SCAN_SECONDS)
        if self._index.requests.is_scanning:
            raise Unavailable("the index is not complete yet")
        reported = await self._reported.of(account)
        days = [day for day in await self._usage.days(last, MAX_DAYS) if day not in reported]
        workspace = Workspace(await self._reported.workspace_id(), self._workspace_name)
        for start in range(0, len(days), DAYS_PER_REPORT):
            batch = days[start : start + DAYS_PER_REPORT]
            records: list[JsonValue] = [await self._record(day, workspace) for day in batch]
            await self._api.report_usage(_key_of(workspace, batch), records)
            await self._reported.add(account, batch)
            log.info("the usage of %s to %s was reported", batch[0], batch[-1])
        self._complete = (account, last)

    async def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = PAUSE_SECONDS
            try:
                await self.sync()
            except Unauthorized:
                pause = self._backoff.fail()
            except XoError as error:
                pause = self._backoff.fail()
                log.warning("the usage is not reported, next attempt in %g s: %s", pause, error)
            except Exception:
                pause = self._backoff.fail()
                log.exception("the usage is not reported")
            else:
                self._backoff.succeed()

    def _last_day(self) -> str:
        """Return the last day that is over, counted from the set hour."""
        return ((self._clock.now() - timedelta(hours=self._hour)).date() - timedelta(1)).isoformat()

    async def _record(self, day: str, workspace: Workspace) -> JsonValue:
        usage = await self._usage.between([day], sessions=0)
        prices = await self._usage.prices({group.model_id for group in usage.groups})
        return usage_record(usage, workspace, prices)


def _key_of(workspace: Workspace, days: Sequence[str]) -> str:
    return hashlib.sha256(" ".join((workspace.id, *days)).encode()).hexdigest()
