"""The configuration of the running gateway.

Secrets arrive redacted; a patch names only what it changes, so they stay as they are.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from xo_cowork_core.sdk import BadRequest, Conflict, Json, JsonValue, Unavailable, XoError
from xo_runtime_openclaw.config.json5_edit import Edit, SetValue
from xo_runtime_openclaw.gateway.calls import GatewayCalls
from xo_runtime_openclaw.gateway.frames import GatewayError, Row, row
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable

READ_SECONDS = 3.0
WRITE_SECONDS = 30.0
SETTLE_SECONDS = 5.0
POLL_SECONDS = 0.05
TRIES = 5
CHANGED = "config changed since"
PATH = re.compile(r"(?<![\w.~])(?:~|/)[\w.~-]*/[^\s\"'`,;]*")


class LiveSnapshot(NamedTuple):
    """The configuration at one moment. `is_applied`: the gateway uses it already."""

    config: Json
    hash: str
    is_applied: bool


class LiveConfig:
    """Reads and changes the gateway's configuration."""

    def __init__(self, control: GatewayCalls) -> None:
        self._control = control

    async def read(self) -> LiveSnapshot | None:
        """Return it; None when the gateway does not answer or grants no access."""
        try:
            answer = row(await self._control.call("config.get", {}, seconds=READ_SECONDS))
        except (GatewayUnavailable, GatewayError):
            return None
        config = answer.get("parsed")
        if not isinstance(config, dict):
            return None
        is_applied = answer.get("configRevisionHash") == answer.get("appliedConfigHash")
        return LiveSnapshot(config, str(answer.get("hash") or ""), is_applied)

    async def change(self, plan: Callable[[Json], Sequence[Edit]]) -> None:
        """Change it. Raises BadRequest when OpenClaw refuses, Unavailable, Conflict."""
        for _ in range(TRIES):
            snapshot = await self.read()
            if snapshot is None:
                raise Unavailable("The OpenClaw gateway closed the connection", retry_after=2)
            edits = plan(snapshot.config)
            if not edits:
                return
            patch = {"raw": orjson.dumps(as_patch(edits)).decode(), "baseHash": snapshot.hash}
            lists = [".".join(map(str, e.path)) for e in edits if _holds_list(e)]
            try:
                await self.call("config.patch", {**patch, "replacePaths": lists})
            except BadRequest as error:
                if CHANGED not in error.message:
                    raise
            else:
                return
        raise Conflict("OpenClaw's configuration changes all the time; try again")

    async def call(self, method: str, params: Row) -> Row:
        """Request a change. Raises BadRequest where OpenClaw refuses it, and Unavailable."""
        try:
            return row(await self._control.call(method, params, seconds=WRITE_SECONDS))
        except GatewayError as refused:
            raise refusal(refused) from None
        except GatewayUnavailable as reason:
            raise reason.as_unavailable() from None

    async def wait_until_applied(self) -> None:
        """Wait until the gateway has applied the file, up to `SETTLE_SECONDS`."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while True:
                    snapshot = await self.read()
                    if snapshot is None or snapshot.is_applied:
                        return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            return


def as_patch(edits: Sequence[Edit]) -> Json:
    """Return edits of objects as one merge patch; a null removes."""
    patch: Json = {}
    for edit in edits:
        target = patch
        for step in edit.path[:-1]:
            inner = target.setdefault(str(step), {})
            target = inner if isinstance(inner, dict) else {}
        target[str(edit.path[-1])] = edit.value if isinstance(edit, SetValue) else None
    return patch


def refusal(refused: GatewayError) -> XoError:
    """Return OpenClaw's refusal as an error, without local paths."""
    if refused.retry_after or refused.code == "UNAVAILABLE":
        wait = max(1, round(refused.retry_after or 2))
        return Unavailable("The OpenClaw gateway takes no change right now", retry_after=wait)
    return BadRequest(f"OpenClaw refuses this: {PATH.sub('(a path)', refused.text)}")


def _holds_list(edit: Edit) -> bool:
    value: JsonValue = edit.value if isinstance(edit, SetValue) else None
    return isinstance(value, list)
