"""The `openclaw` executable: its search path for Node, and commands that print JSON."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from xo_cowork_core.sdk import HostContext, Process
from xo_runtime_openclaw.gateway.frames import Row, read_json, row

OUTPUT_LINES = 2000
KILL_SECONDS = 1.0


def search_path(binary: Path) -> str:
    """Return PATH with the executable's folder first, for the Node version that it needs."""
    return os.pathsep.join([str(binary.parent), os.environ.get("PATH", os.defpath)])


async def run_json_command(
    context: HostContext,
    binary: Path,
    arguments: list[str],
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
) -> Row:
    """Run a command and return the JSON object that it prints, empty when it prints none.

    Raises `AgentFailure` when it does not start, and TimeoutError.
    """
    process = await context.processes.spawn(
        [str(binary), *arguments],
        cwd=context.paths.home,
        environment={"PATH": search_path(binary), **(environment or {})},
    )
    try:
        async with asyncio.timeout(seconds):
            return row(read_json(await _output_of(process)))
    finally:
        await process.stop(kill_after=KILL_SECONDS)


async def _output_of(process: Process) -> bytes:
    lines: list[bytes] = []
    async for batch in process.batches():
        lines.extend(batch[: OUTPUT_LINES - len(lines)])
    return b"\n".join(lines)
