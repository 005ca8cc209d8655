"""What a client sees of a flow; the types are those of the SDK."""

from typing import NamedTuple

from xo_cowork_core.sdk.sign_in import (
    TERMINAL_STATES,
    FlowError,
    FlowState,
    FlowUpdate,
    FlowView,
    OutputLine,
    Redirect,
)

__all__ = [
    "RUNTIME_PREFIX",
    "TERMINAL_STATES",
    "CallbackResult",
    "FlowError",
    "FlowState",
    "FlowUpdate",
    "FlowView",
    "OutputLine",
    "Redirect",
]

# what stands before a runtime's name in the target of a flow; no connector's name has a colon
RUNTIME_PREFIX = "runtime:"


class CallbackResult(NamedTuple):
    """The outcome of a browser's return, for a page that people read; the texts are constants.

    `flow` is None when the state belongs to no open flow: then the answer is 400.
    """

    ok: bool
    message: str
    flow: FlowView | None = None
