"""Sign-ins that the host carries out for a plugin's runtimes and connectors.

No value here is a secret, except the URL that a person opens.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, TypeAlias

from xo_cowork_core.sdk.connector.connector import Account
from xo_cowork_core.sdk.connector.methods import MethodKind, OutputStream
from xo_cowork_core.sdk.connector.status import DEFAULT_CONNECTION

__all__ = [
    "TERMINAL_STATES",
    "FlowError",
    "FlowState",
    "FlowUpdate",
    "FlowView",
    "OutputLine",
    "Redirect",
    "SignIns",
]

FlowState: TypeAlias = Literal[
    "starting",
    "awaiting_user",
    "exchanging",
    "verifying",
    "completed",
    "failed",
    "cancelled",
    "expired",
]
Redirect: TypeAlias = Literal["loopback", "public", "paste"]
TERMINAL_STATES: frozenset[FlowState] = frozenset({"completed", "failed", "cancelled", "expired"})


class FlowError(NamedTuple):
    """The last error of a flow; recoverable while the flow is `awaiting_user`, else final."""

    code: str
    message: str


class FlowView(NamedTuple):
    """One sign-in.

    `target` is what a person signs in to: a connector's name, or `runtime:<name>`. `method` is the
    method's id, `kind` its class: `authorization_code`, `device_code`, `api_key`, `command` or
    `agent`. `state` is `starting`, `awaiting_user` (a person has to act), `exchanging` or
    `verifying`, and at the end `completed`, `failed`, `cancelled` or `expired`. `redirect` says
    where the browser comes back to: `loopback`, `public`, or `paste`, which means that a person
    pastes the URL it ended on. `needs_input` says that a text can be submitted: that
    URL, its query or the bare code; the key; or a line for the sign-in program. `message` is the
    next step or the reason, for people.
    """

    flow_id: str
    target: str
    connection: str
    method: str
    kind: MethodKind
    state: FlowState
    redirect: Redirect | None = None
    authorize_url: str | None = None
    user_code: str | None = None
    verification_uri: str | None = None
    verification_uri_complete: str | None = None
    expires_at: datetime | None = None
    needs_input: bool = False
    message: str = ""
    error: FlowError | None = None
    account: Account | None = None

    @property
    def is_over(self) -> bool:
        """Whether the flow has ended, well or not."""
        return self.state in TERMINAL_STATES


class OutputLine(NamedTuple):
    """A line that a sign-in program printed, without control sequences."""

    stream: OutputStream
    text: str


class FlowUpdate(NamedTuple):
    """The present state of a flow, and the lines that came since the last update."""

    flow: FlowView
    lines: Sequence[OutputLine]


class SignIns(Protocol):
    """The sign-ins of the plugin's own runtimes and connectors.

    `name` is a runtime's or a connector's. Each method raises `NotFound` for a name that is not
    the plugin's, and for a flow that is unknown or ended more than 10 minutes ago.
    """

    async def start(
        self,
        name: str,
        *,
        method: str | None = None,
        connection: str = DEFAULT_CONNECTION,
        attach: bool = True,
        force: bool = False,
        redirect: Redirect | None = None,
        redirect_uri: str = "",
        input: str | None = None,  # noqa: A002  # the word of the wire
        seconds: float = 10.0,
    ) -> FlowView:
        """Start a flow; return it once a person can act or it has ended, at most after `seconds`.

        `method` is a method's id, by default the first. `connection` is that of a connector.
        With `attach` the open flow of the same connection is returned instead of a second one.
        `redirect` is a wish for the way back of the browser, for methods that have one.
        `redirect_uri` instead is an address of another listener, https or on this machine, which
        then submits the query that the browser brings. `input` is submitted at once, such as a key.
        Raises `Conflict` when a flow is open and neither `attach` nor `force` (which cancels it) is
        given, `BadRequest` for an unknown method or a malformed connection, redirect or input, and
        the error of a flow that could not start, such as `Unavailable` when its program is not
        installed.
        """
        ...

    async def find_open(self, name: str, connection: str = DEFAULT_CONNECTION) -> FlowView | None:
        """Return the open flow of a connection, or of a runtime."""
        ...

    async def read(self, name: str, flow_id: str) -> FlowView:
        """Return a flow."""
        ...

    async def submit(self, name: str, flow_id: str, text: str) -> FlowView:
        """Pass on what a person pasted. The same text again is accepted and does nothing.

        Raises `BadRequest` for a malformed text, `Conflict` when the flow takes none now.
        """
        ...

    async def cancel(self, name: str, flow_id: str) -> FlowView:
        """End a flow; its program and all descendants are gone on return."""
        ...

    async def wait(self, name: str, flow_id: str, seconds: float) -> FlowView:
        """Return a flow once it has ended, or after `seconds`."""
        ...

    def follow(self, name: str, flow_id: str) -> AsyncIterator[FlowUpdate]:
        """Yield the state and all lines so far, then each change, until the flow has ended."""
        ...
