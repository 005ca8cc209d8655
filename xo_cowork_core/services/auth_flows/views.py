"""What a client sees of a flow. No value here is a secret, except the URL that a person opens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from xo_cowork_core.sdk.connector import Account, MethodKind

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


@dataclass(frozen=True, slots=True)
class FlowError:
    """The last error of a flow; recoverable while the flow is `awaiting_user`, else final."""

    code: str
    message: str


class FlowView(NamedTuple):
    """One sign-in.

    `method` is the method's id. `redirect` says where the browser comes back to: `paste` means
    that a person pastes the URL it ended on. `needs_input` says that a text can be submitted: that
    URL, its query or the bare code; the key; or a line for the sign-in program. `message` is the
    next step or the reason, for people.
    """

    flow_id: str
    connector: str
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


class CallbackResult(NamedTuple):
    """The outcome of a browser's return, for a page that people read; the texts are constants.

    `flow` is None when the state belongs to no open flow: then the answer is 400.
    """

    ok: bool
    message: str
    flow: FlowView | None = None
