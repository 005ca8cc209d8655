"""The record of one plugin: its state, what it declares, and the faults that were seen in it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from xo_cowork_core.sdk import Contributions, SecretField, Secrets
from xo_cowork_core.services.runtimes.call_thread import CallThread

PluginState: TypeAlias = Literal[
    "disabled",
    "missing",
    "incompatible",
    "failed",
    "loaded",
    "starting",
    "ready",
    "degraded",
    "stopping",
    "stopped",
]
LATE_SECONDS = 0.2
log = logging.getLogger("xo_cowork.plugins")


class PluginError(Exception):
    """A plugin breaks a rule of the SDK; the text is one line for its record."""


@dataclass(slots=True, eq=False)
class PluginRecord:
    """The state and declarations of one plugin. `kind` is `runtime`, `connector` or `plugin`;
    `package` is the top-level Python package of its code.

    `error` says why the plugin does not serve. `faults` are the last fault of each call while it
    served: what came, what was expected, what to write. `late_calls` exceeded their limit the last
    time: nobody waits long for them again until they answer in time. `thread` runs the calls that
    may block, one at a time.
    """

    name: str
    kind: str = "plugin"
    distribution: str = ""
    version: str = ""
    package: str = ""
    state: PluginState = "loaded"
    error: str = ""
    import_ms: float = 0.0
    contributions: Contributions = field(default_factory=Contributions)
    routes: list[str] = field(default_factory=list[str])
    secrets: list[SecretField] = field(default_factory=list[SecretField])
    env_file: str = ""
    stored_secrets: Secrets | None = None
    auth: list[str] = field(default_factory=list[str])
    faults: dict[str, str] = field(default_factory=dict[str, str])
    late_calls: set[str] = field(default_factory=set[str])
    thread: CallThread = field(default_factory=lambda: CallThread("plugin call"))
    # its required secrets without a value; blocks
    unset_secrets: Callable[[], Sequence[str]] = field(default=tuple[str])

    @property
    def serves(self) -> bool:
        """Whether its runtimes and connectors can be called."""
        return self.state in {"ready", "degraded"}

    @property
    def is_starting(self) -> bool:
        """Whether it is loaded and not started yet."""
        return self.state in {"loaded", "starting"}

    def set_state(self, state: PluginState, error: str | None = None) -> None:
        """Enter a state; the error stays where none is given."""
        self.state = state
        if error is not None:
            self.error = error

    def fail(self, error: str) -> None:
        """Enter the state `failed`. `error` is one line."""
        self.set_state("failed", error)

    def add_fault(self, call: str, text: str) -> None:
        """Record and log a fault of one call, such as `health()`. The plugin goes on serving."""
        if self.faults.get(call) != text:
            log.warning("plugin %s: %s", self.name, text)
        self.faults[call] = text

    def add_late_call(self, call: str, seconds: float) -> None:
        """Record a call that exceeded its limit."""
        if call not in self.late_calls:
            self.add_fault(call, f"{call} took longer than {seconds:g} s: answer earlier")
        self.late_calls.add(call)

    def limit_of(self, call: str, seconds: float) -> float:
        """Return how long a caller may wait that can go on without an answer."""
        return min(seconds, LATE_SECONDS) if call in self.late_calls else seconds

    def set_import_time(self, milliseconds: float) -> None:
        """Record how long the import took."""
        self.import_ms = milliseconds

    def declare(self, contributions: Contributions, secrets: Sequence[SecretField] = ()) -> None:
        """Record what the plugin declares of itself."""
        self.contributions = contributions
        self.secrets = list(secrets)

    def set_secrets(
        self, env_file: str, secrets: Secrets, unset: Callable[[], Sequence[str]]
    ) -> None:
        """Record where the plugin's secrets are, and how to find those that are not set."""
        self.env_file = env_file
        self.stored_secrets = secrets
        self.unset_secrets = unset

    def set_routes(self, routes: Sequence[str]) -> None:
        """Record the routes that were accepted, as `METHOD /path`."""
        self.routes = list(routes)


def describe_fault(error: BaseException) -> str:
    """Return a fault's own text, or the class and text of another exception."""
    return str(error) if isinstance(error, PluginError) else describe_exception(error)


def describe_exception(error: BaseException) -> str:
    """Return an exception's class and the first line of its text, at most 200 characters of it."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001 - a `__str__` of a plugin's class
        lines = []
    text = lines[0][:200] if lines else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
