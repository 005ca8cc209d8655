"""What the host hands to a plugin."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr


class Paths(Protocol):
    """Places a plugin may use."""

    @property
    def home(self) -> Path:
        """The user's home folder; nothing outside it is served."""
        ...

    @property
    def projects_root(self) -> Path:
        """The folder of all projects."""
        ...

    @property
    def state(self) -> Path:
        """This plugin's own folder, 0700, made on first use."""
        ...

    def binary(self, name: str, override: str = "") -> Path | None:
        """Find an executable: `override`, then the stage's places, then PATH; None if absent."""
        ...


class Secrets(Protocol):
    """The env file of one plugin over the server's own environment."""

    def environment(self) -> Mapping[str, SecretStr]:
        """Everything in the plugin's env file, and from the server's own environment the keys
        that the plugin's `xo_secrets` names; the file wins. Read anew at each call, from disk:
        call it off the event loop."""
        ...

    def store(self, values: Mapping[str, SecretStr]) -> None:
        """Put entries into the plugin's env file, 0600; the other lines stay as they are.

        All or none is written. Raises `BadRequest` for a key that is no plain name or a value
        with a line end in it, `Unavailable` when the file can't be written. Blocks.
        """
        ...


class Process(Protocol):
    """A supervised child: own session, environment from an allow-list, stderr drained."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative for a signal."""
        ...

    @property
    def stderr_tail(self) -> str:
        """The last 8 KiB of stderr, decoded with replacement."""
        ...

    async def write(self, data: bytes, *, timeout: float = 30.0) -> None:
        """Write to stdin and wait until the pipe took it. Raises `AgentFailure` code `crashed`
        when the process is gone, `timeout` when it does not read."""
        ...

    async def close_stdin(self) -> None:
        """Send end of file."""
        ...

    def batches(self) -> AsyncIterator[list[bytes]]:
        """Yield stdout's complete lines without their line ends, as many as have come in at once.

        A last line without a line end counts as a line. Ends when stdout is closed or shortly
        after the process died, also when an escaped grandchild still holds the pipe. Raises
        `AgentFailure` for a line longer than 64 MiB. One reader at a time.
        """
        ...

    async def wait(self, timeout: float) -> int | None:
        """Wait for the exit, at most `timeout` seconds; None when it still runs."""
        ...

    async def descendants(self) -> frozenset[int]:
        """Pids of everything alive that this process started, in whatever session or group,
        itself left out."""
        ...

    async def kill_descendants(self, *, spare: frozenset[int] = frozenset()) -> None:
        """Kill everything that it started, but not itself and not the pids in `spare`."""
        ...

    async def terminate_tagged(self, name: str, value: str, *, kill_after: float = 1.0) -> bool:
        """End those that it started with an entry `name=value` in their environment, and what
        these started: SIGTERM, after `kill_after` seconds SIGKILL. Itself and all others go on.

        For a process that works for several turns and marks what it starts for each. False when
        a detached process without any entry `name` is left: nobody can say whose it is.
        """
        ...

    async def stop(self, *, term_after: float = 0.0, kill_after: float = 3.0) -> None:
        """End it and all that it started: close stdin, after `term_after` seconds SIGTERM, after
        `kill_after` more SIGKILL, to it and to every descendant. Nothing is alive on return.
        Harmless when it is gone."""
        ...


class Processes(Protocol):
    """Starts children and answers for their end."""

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, SecretStr | str],
        owner: str = "",
    ) -> Process:
        """Start a process.

        `environment` is laid over the host's allow-list (PATH, HOME, locale, proxy and
        certificate settings). `owner` is a turn's `stream_id` when the process may not outlive
        that turn, else empty: then it ends with the plugin. Raises `AgentFailure` with code
        `not_installed` when there is no such executable or `cwd`.
        """
        ...

    async def terminate_matching(
        self,
        entries: Mapping[str, str],
        *,
        since: float,
        folder: Path | None = None,
        kill_after: float = 1.0,
    ) -> None:
        """End what a program left behind that was not started here: this user's processes whose
        environment holds all `entries`, that began at `since` (a reading of `time.monotonic`, as
        exact as the kernel's clock tick, 10 ms) or later and, with a `folder`, work in it or
        below; and what these started.

        What an older process with the entries started is left alone. SIGTERM first, after
        `kill_after` seconds SIGKILL. Linux only; elsewhere it ends nothing.
        """
        ...


class HostContext(Protocol):
    """Everything a plugin may ask of the host. One object per plugin."""

    @property
    def paths(self) -> Paths: ...

    @property
    def secrets(self) -> Secrets: ...

    @property
    def processes(self) -> Processes: ...

    @property
    def log(self) -> logging.Logger:
        """The plugin's logger, `xo_cowork.<plugin>`."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """The checked values of the settings that the plugin's claims declare."""
        ...
