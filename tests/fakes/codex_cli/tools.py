"""The fake's tools: run a command, write files by a patch."""

import asyncio
import os
import signal
from pathlib import Path

SHELL = "/bin/bash"


def parse_patch(command):
    """Return path → content of a patch that adds files; None for another command."""
    if not command.startswith("apply_patch <<"):
        return None
    files, path = {}, ""
    for line in command.splitlines():
        if line.startswith("*** Add File: "):
            path = line.removeprefix("*** Add File: ")
            files[path] = ""
        elif line.startswith("+") and path:
            files[path] += line[1:] + "\n"
    return files


class CommandRunner:
    """The commands of one thread. They outlive an interrupt, as the real one's do."""

    def __init__(self, cwd, thread_id):
        self.cwd = Path(cwd)
        self._environment = {**os.environ, "CODEX_SESSION_ID": thread_id}
        self._running = set()

    def write(self, files):
        for path, content in files.items():
            (self.cwd / path).write_text(content)

    async def run(self, command):
        """Run a command; return its output and exit code."""
        process = await asyncio.create_subprocess_exec(
            SHELL,
            "-c",
            command,
            cwd=self.cwd,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._running.add(process)
        output, _ = await process.communicate()
        self._running.discard(process)
        return output.decode(errors="replace"), process.returncode

    def clean(self):
        """Kill the running commands."""
        for process in self._running:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
        self._running.clear()
