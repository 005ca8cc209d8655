"""The configuration as the running gateway has it. Secrets come redacted, and go back untouched:
a change names only what it changes."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from xo_cowork_core.sdk import BadRequest, Conflict, Json, JsonValue, Unavailable, XoError
from xo_runtime_openclaw.config.json5_edit import Edit, Put
from xo_runtime_openclaw.gateway.frames import Refused, Row, row
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable

READ_SECONDS = 3.0
WRITE_SECONDS = 30.0
SETTLE_SECONDS = 5.0
POLL_SECONDS = 0.05
TRIES = 5
CHANGED = "config changed since"
PATH = re.compile(r"(?<![\w.~])(?:~|/)[\w.~-]*/[^\s\"'`,;]*")


class Control(Protocol):
    """What is needed of the gateway's connection."""

    async def call(self, method: str, params: Row, *, seconds: float = ...) -> object:
        """Ask. Raises `GatewayUnavailable` or `Refused`."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """The configuration at one moment. `settled`: the gateway works by it already."""

    config: Json
    hash: str
    settled: bool


class LiveConfig:
    """Asks the gateway for its configuration, and for changes of it."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def read(self) -> Seen | None:
        """Return it; None when no gateway can be asked, or it lets us see nothing."""
        try:
            answer = row(await self._control.call("config.get", {}, seconds=READ_SECONDS))
        except (GatewayUnavailable, Refused):
            return None
        config = answer.get("parsed")
        if not isinstance(config, dict):
            return None
        settled = answer.get("configRevisionHash") == answer.get("appliedConfigHash")
        return Seen(config, str(answer.get("hash") or ""), settled)

    async def change(self, plan: Callable[[Json], Sequence[Edit]]) -> None:
        """Change it. Raises BadRequest for what OpenClaw refuses, Unavailable, Conflict."""
        for _ in range(TRIES):
            seen = await self.read()
            if seen is None:
                raise Unavailable("The OpenClaw gateway went away", retry_after=2)
            edits = plan(seen.config)
            if not edits:
                return
            patch = {"raw": orjson.dumps(as_patch(edits)).decode(), "baseHash": seen.hash}
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
        """Ask for a change. Raises BadRequest where OpenClaw refuses it, and Unavailable."""
        try:
            return row(await self._control.call(method, params, seconds=WRITE_SECONDS))
        except Refused as refused:
            raise refusal(refused) from None
        except GatewayUnavailable as reason:
            raise reason.as_unavailable() from None

    async def settle(self) -> None:
        """Wait until the gateway works by what was written; not longer than `SETTLE_SECONDS`."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while True:
                    seen = await self.read()
                    if seen is None or seen.settled:
                        return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            return


def as_patch(edits: Sequence[Edit]) -> Json:
    """Write edits of objects as one merge patch: a null removes."""
    patch: Json = {}
    for edit in edits:
        place = patch
        for step in edit.path[:-1]:
            inner = place.setdefault(str(step), {})
            place = inner if isinstance(inner, dict) else {}
        place[str(edit.path[-1])] = edit.value if isinstance(edit, Put) else None
    return patch


def refusal(refused: Refused) -> XoError:
    """Say why OpenClaw refused, without places on this machine."""
    if refused.retry_after or refused.code == "UNAVAILABLE":
        wait = max(1, round(refused.retry_after or 2))
        return Unavailable("The OpenClaw gateway takes no change right now", retry_after=wait)
    return BadRequest(f"OpenClaw refuses this: {PATH.sub('(a path)', refused.text)}")


def _holds_list(edit: Edit) -> bool:
    value: JsonValue = edit.value if isinstance(edit, Put) else None
    return isinstance(value, list)
