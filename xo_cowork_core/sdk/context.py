"""Interfaces of the services that the host passes to a plugin."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import SecretStr

from xo_cowork_core.sdk.connector.status import ConnectorConnections
from xo_cowork_core.sdk.connector.tokens import ConnectorTokens
from xo_cowork_core.sdk.http import HttpClient
from xo_cowork_core.sdk.runtime.turn import TurnMcpServer
from xo_cowork_core.sdk.sign_in import SignIns

T = TypeVar("T")


class Paths(Protocol):
    """Folders and executables that a plugin may use."""

    @property
    def home(self) -> Path:
        """The user's home folder; nothing outside it is served."""
        ...

    @property
    def projects_root(self) -> Path:
        """The folder of all projects."""
        ...

    def ensure_state_folder(self) -> Path:
        """Return the plugin's own folder, mode 0700; create it if it does not exist. Blocks.

        Raises `OSError` when it can't be created.
        """
        ...

    def binary(self, name: str, override: str = "") -> Path | None:
        """Return the absolute path of an executable, or None when there is none. Blocks.

        An `override` (a path or a name, `~` allowed) replaces `name`. Names are searched in the
        tool folder of a workspace image, if the server runs in one, then in PATH.
        """
        ...


class Secrets(Protocol):
    """Keys of one plugin: its env file, laid over the server's own environment."""

    def environment(self) -> Mapping[str, SecretStr]:
        """Return the secrets that `xo_secrets` declares, from the env file, else from the
        server's own environment.

        Of an `env_file` that no plugin named before, all entries. Names that belong to the server
        or decide which programs run (`XO_*`, `PATH`, `LD_*`) are left out.
        A value that is not UTF-8 is left out. Reads the file at each call and blocks: call it in a
        thread. Raises `Unavailable` when the file can't be read.
        """
        ...

    def store(self, values: Mapping[str, SecretStr]) -> None:
        """Set entries of the plugin's env file, mode 0600; other lines stay unchanged. Blocks.

        The write is atomic. Raises `BadRequest` for a key that is no plain name or not the
        plugin's own and for a value that contains a line end or NUL or has more than 64 KiB,
        `Conflict` for an entry behind a line with an open quote, `Unavailable` when the file can't
        be written.
        """
        ...

    def delete(self, keys: Collection[str]) -> None:
        """Delete entries of the plugin's env file; absent ones are ignored. Blocks.

        Raises as `store` does. A value in the server's own environment stays.
        """
        ...


class Process(Protocol):
    """A supervised child process.

    It has a session of its own and an environment from an allow-list; the host drains its stderr.
    """

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while the process runs."""
        ...

    @property
    def stderr_tail(self) -> str:
        """The last 8 KiB of stderr; invalid UTF-8 is replaced."""
        ...

    async def write(self, data: bytes, *, timeout: float = 30.0) -> None:
        """Write to stdin and wait until the pipe has taken all of it.

        Raises `AgentFailure`: code `crashed` when the process has ended, `timeout` when it does
        not read for `timeout` seconds.
        """
        ...

    async def close_stdin(self) -> None:
        """Close stdin, which the process sees as end of file."""
        ...

    def batches(self) -> AsyncIterator[list[bytes]]:
        """Yield stdout in batches: all complete lines that one read returned, without line ends.

        A last line without a line end counts as a line. Ends when stdout is closed, or shortly
        after the process has exited, even if a detached descendant still holds the pipe. Raises
        `AgentFailure` for a line longer than 64 MiB. Only one reader at a time.
        """
        ...

    async def wait(self, timeout: float) -> int | None:
        """Wait at most `timeout` seconds and return the exit code; None while the process runs."""
        ...

    async def descendants(self) -> frozenset[int]:
        """Return the pids of all living descendants, in any session and process group.

        The pid of the process itself is not included.
        """
        ...

    async def kill_descendants(self, *, spare: frozenset[int] = frozenset()) -> None:
        """Kill all descendants except the pids in `spare`. The process itself keeps running."""
        ...

    async def terminate_tagged(self, name: str, value: str, *, kill_after: float = 1.0) -> bool:
        """End the descendants whose environment has the entry `name=value`, and theirs.

        For a process that serves several turns and sets an entry for each of them. Sends SIGTERM
        and, after `kill_after` seconds, SIGKILL; the process itself and all others keep running.
        Returns False when a detached descendant without an entry `name` is left: its turn is
        unknown.
        """
        ...

    async def stop(self, *, term_after: float = 0.0, kill_after: float = 3.0) -> None:
        """End the process and all its descendants; none of them is alive on return.

        Closes stdin, sends SIGTERM after `term_after` seconds and SIGKILL after `kill_after` more.
        Does nothing when the process has ended and has no descendant.
        """
        ...


class Processes(Protocol):
    """Starts child processes and ends each with its owner, a turn or the plugin."""

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, SecretStr | str],
        owner: str = "",
    ) -> Process:
        """Start a process.

        `environment` is added to the host's allow-list (PATH, HOME, locale, proxy and
        certificate settings) and wins over it. `owner` is the `stream_id` of the turn with which
        the process ends; empty: the process ends with the plugin. Raises `AgentFailure` with code
        `not_installed` when the executable or `cwd` does not exist.
        """
        ...

    async def terminate_matching(
        self,
        entries: Mapping[str, str],
        *,
        since: float,
        until: float | None = None,
        folder: Path | None = None,
        kill_after: float = 1.0,
    ) -> None:
        """End processes that another program left behind, with their descendants.

        A process matches when it belongs to this user, its environment has all `entries`, it
        started at `since` or later and before `until`, if given (values of `time.monotonic`,
        compared to a clock tick, 10 ms) and, if `folder` is given, works in it or below.
        Descendants of an older process that has the entries do not match. Sends SIGTERM and, after
        `kill_after` seconds, SIGKILL. On systems other than Linux it does nothing.
        """
        ...


class HostContext(Protocol):
    """All services of the host for one plugin."""

    @property
    def paths(self) -> Paths: ...

    @property
    def secrets(self) -> Secrets: ...

    @property
    def processes(self) -> Processes: ...

    @property
    def tokens(self) -> ConnectorTokens:
        """The tokens of the plugin's own connectors."""
        ...

    @property
    def connections(self) -> ConnectorConnections:
        """The states of the plugin's own connections."""
        ...

    @property
    def sign_in(self) -> SignIns:
        """The sign-ins of the plugin's own runtimes and connectors."""
        ...

    @property
    def http(self) -> HttpClient:
        """The HTTP client that all plugins share."""
        ...

    @property
    def log(self) -> logging.Logger:
        """The plugin's logger, `xo_cowork.<plugin>`."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """The checked values of the settings that `xo_contributes` declares, by name."""
        ...

    def shared_mcp_servers(self, agent_name: str) -> Sequence[TurnMcpServer]:
        """Return the MCP servers of connectors for an agent whose sessions share one configuration.

        All of them, connected or not, with one token for all turns of the plugin's runtime
        `agent_name`: it works while any of them runs, for the connectors that the running turns may
        use. Where each session can have its own list use `Turn.mcp_servers`. Call it in
        `xo_lifespan` or later. Raises `NotFound` for a runtime of another plugin.
        """
        ...

    def url_for(self, path: str) -> str:
        """Return the URL of a path of this server (`/api/acme/callback`) as browsers reach it.

        Its base is `XO_PUBLIC_URL`; else, with `XO_TRUST_FORWARDED`, what the proxy of the current
        request forwards; else the address on which the server listens. Raises `ValueError` for a
        path that doesn't start with one `/`.
        """
        ...

    def create_task(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start a background task that ends with the plugin.

        What it raises is logged and makes the plugin `degraded`; at the plugin's stop it is
        cancelled and has 5 s to end. Raises `RuntimeError` before the plugin's start (call it in
        `xo_lifespan` or later) and after its stop.
        """
        ...
