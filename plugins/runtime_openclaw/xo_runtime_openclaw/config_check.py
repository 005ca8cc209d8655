"""OpenClaw's own word on a configuration before it is put in place."""

import asyncio
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk import AgentFailure, BadRequest, HostContext
from xo_runtime_openclaw.command import printed
from xo_runtime_openclaw.frames import EMPTY, Row, rows
from xo_runtime_openclaw.options import Options

CHECK_SECONDS = 30.0


class ConfigCheck:
    """Runs `openclaw config validate` on a draft, where OpenClaw is installed."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._binary = options.binary

    async def accepts(self, text: str, must: Sequence[str]) -> None:
        """Raise BadRequest when OpenClaw would refuse `text`, or can't be asked and `must` (names
        of fields that it alone can check) is not empty."""
        binary = await asyncio.to_thread(self._context.paths.binary, "openclaw", self._binary)
        if "$include" in text or binary is None:
            if must:
                names = ", ".join(f"`{name}`" for name in must)
                raise BadRequest(f"OpenClaw isn't here to check {names}: start its gateway first")
            return
        draft = self._context.paths.state / f"draft-{secrets.token_hex(4)}.json"
        try:
            await asyncio.to_thread(_write, draft, text)
            answer = await self._ask(binary, draft)
        finally:
            await asyncio.to_thread(draft.unlink, missing_ok=True)
        for issue in rows(answer.get("issues")) if answer.get("valid") is False else ():
            raise BadRequest(f"OpenClaw refuses this: {issue.get('path')}: {issue.get('message')}")

    async def _ask(self, binary: Path, draft: Path) -> Row:
        """Return what `openclaw` says, empty when it says nothing."""
        try:
            return await printed(
                self._context,
                binary,
                ["config", "validate", "--json"],
                seconds=CHECK_SECONDS,
                environment={"OPENCLAW_CONFIG_PATH": str(draft)},
            )
        except (AgentFailure, TimeoutError):
            return EMPTY


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode())
