"""The git checkout that the server runs from, and its fast-forward to the remote branch.

Nothing here discards work: only a clean checkout is moved, only forward, and back only to where it
was. Hooks of the repository are not run. Owns the git processes, which end with their caller.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import Conflict, UpstreamFailed
from xo_cowork_core.services.processes.environment import child_environment

GIT_SECONDS = 30.0
FETCH_SECONDS = 120.0
IMPORT_SECONDS = 60.0
MAX_OUTPUT_BYTES = 1 << 20
# no prompt for a password: nobody is there to type one
GIT_VARIABLES = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
GIT = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
PROGRAM = "xo_cowork_core.host.serving"
log = logging.getLogger("xo_cowork.lifecycle")


class CommandOutcome(NamedTuple):
    """How a command ended; `output` is its standard output without the last line end."""

    ok: bool
    output: str


class Checkout:
    """The checkout whose top folder is `root`; there may be none."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def require_updatable(self) -> str:
        """Return the commit of a clean checkout on a branch that follows a remote one.

        Raises Conflict with the reason otherwise.
        """
        top = await self._git("rev-parse", "--show-toplevel")
        if not top.ok or not await asyncio.to_thread(os.path.samefile, top.output, self._root):
            raise Conflict("The server does not run from a git checkout: update its packages.")
        if not (await self._git("symbolic-ref", "--quiet", "HEAD")).ok:
            raise Conflict("The checkout is on no branch: switch to one first.")
        if not (await self._git("rev-parse", "--abbrev-ref", "@{upstream}")).ok:
            raise Conflict("The branch of the checkout follows no remote branch.")
        await self._require_clean()
        return await self._commit("HEAD")

    async def fetch(self) -> str:
        """Fetch the remote branch and return its commit. Raises UpstreamFailed."""
        if not (await self._git("fetch", "--quiet", seconds=FETCH_SECONDS)).ok:
            raise UpstreamFailed("The remote repository can't be read; the log says why.")
        return await self._commit("@{upstream}")

    async def fast_forward(self, old: str, new: str) -> None:
        """Move the checkout from one commit to a later one.

        Raises Conflict when there is nothing to pull, or local commits are not in the remote.
        """
        if old == new or await self._is_ancestor(new, old):
            raise Conflict("There is nothing to pull: the server is up to date.")
        if not await self._is_ancestor(old, new):
            raise Conflict("The checkout has commits that the remote branch lacks: merge them.")
        # what was changed during the fetch
        await self._require_clean()
        if not (await self._git("merge", "--ff-only", "--quiet", new)).ok:
            raise Conflict("git refused the update; the log says why. Nothing was changed.")

    async def restore(self, commit: str) -> None:
        """Move the checkout back to a commit; files that were changed since stay as they are."""
        if not (await self._git("reset", "--quiet", "--keep", commit)).ok:
            raise Conflict("The update does not start, and git could not take it back.")

    async def can_start(self) -> bool:
        """Return whether the server of the checkout can be imported with the installed packages."""
        command = [sys.executable, "-c", f"import {PROGRAM}"]
        environment = child_environment(os.environ, {"PYTHONPATH": str(self._root)}, {})
        return (await self._run(command, environment, IMPORT_SECONDS)).ok

    async def _require_clean(self) -> None:
        status = await self._git("status", "--porcelain", "--untracked-files=normal")
        if not status.ok or status.output:
            raise Conflict(
                "The checkout has local changes: commit them, or put them elsewhere, first."
            )

    async def _commit(self, name: str) -> str:
        commit = await self._git("rev-parse", "--verify", f"{name}^{{commit}}")
        if not commit.ok:
            raise Conflict("The branch of the checkout has no commit.")
        return commit.output

    async def _is_ancestor(self, old: str, new: str) -> bool:
        return (await self._git("merge-base", "--is-ancestor", old, new)).ok

    async def _git(self, *arguments: str, seconds: float = GIT_SECONDS) -> CommandOutcome:
        names = ("SSH_AUTH_SOCK",)
        added = {name: os.environ[name] for name in names if name in os.environ}
        environment = child_environment(os.environ, GIT_VARIABLES | added, {})
        return await self._run([*GIT, "-C", str(self._root), *arguments], environment, seconds)

    async def _run(
        self, command: Sequence[str], environment: Mapping[str, str], seconds: float
    ) -> CommandOutcome:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment,
                cwd=self._root,
                limit=MAX_OUTPUT_BYTES,
                start_new_session=True,
            )
        except OSError as error:
            log.warning("%s can't be started: %s", command[0], error.strerror)
            return CommandOutcome(False, "")
        try:
            async with asyncio.timeout(seconds):
                output, errors = await process.communicate()
        except TimeoutError:
            log.warning("%s took longer than %g s", command[0], seconds)
            return CommandOutcome(False, "")
        finally:
            if process.returncode is None:
                # git's own children, such as ssh, are in its session
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        text = errors.decode(errors="replace").strip()
        if process.returncode and text:
            log.info("%s: %s", command[0], text.splitlines()[-1][:500])
        return CommandOutcome(process.returncode == 0, output.decode(errors="replace").rstrip("\n"))
