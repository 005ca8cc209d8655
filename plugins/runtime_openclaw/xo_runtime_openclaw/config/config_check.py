"""Validate a configuration with OpenClaw before it is written."""

import asyncio
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk import AgentFailure, BadRequest, HostContext
from xo_runtime_openclaw.gateway.command import run_json_command
from xo_runtime_openclaw.gateway.frames import EMPTY, Row, rows
from xo_runtime_openclaw.options import Options

CHECK_SECONDS = 30.0


class ConfigCheck:
    """Runs `openclaw config validate` on a draft, if OpenClaw is installed."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._binary = options.binary

    async def accepts(self, text: str, must: Sequence[str]) -> None:
        """Raise BadRequest when OpenClaw would refuse `text`.

        `must` names fields that only OpenClaw can check: with any, no answer is a refusal too.
        """
        binary = await asyncio.to_thread(self._context.paths.binary, "openclaw", self._binary)
        if binary and "$include" in text:
            binary = None  # included files are not beside the draft
        answer = await self._validate(binary, text) if binary else EMPTY
        if answer.get("valid") is True:
            return
        for issue in rows(answer.get("issues")):
            raise BadRequest(f"OpenClaw refuses this: {issue.get('path')}: {issue.get('message')}")
        if must:
            names = ", ".join(f"`{name}`" for name in must)
            raise BadRequest(f"OpenClaw can't check {names} now: start its gateway first")

    async def _validate(self, binary: Path, text: str) -> Row:
        """Return the result of `openclaw config validate`; empty when it gives none."""
        draft = self._context.paths.ensure_state_folder() / f"draft-{secrets.token_hex(4)}.json"
        try:
            await asyncio.to_thread(_write, draft, text)
            return await run_json_command(
                self._context,
                binary,
                ["config", "validate", "--json"],
                seconds=CHECK_SECONDS,
                environment={"OPENCLAW_CONFIG_PATH": str(draft)},
            )
        except (AgentFailure, TimeoutError):
            return EMPTY
        finally:
            await asyncio.to_thread(draft.unlink, missing_ok=True)


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode())
