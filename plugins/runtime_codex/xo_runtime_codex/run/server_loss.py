"""Turns whose server ended: which of them may be repeated, and what a repeat replaces."""

from xo_cowork_core.sdk import AgentFailure
from xo_runtime_codex.history.store import Store
from xo_runtime_codex.run.turn_run import TurnRun


class ServerLost(Exception):
    """The server ended during a turn that had produced text alone.

    `turn_id` is the Codex turn that a repeat replaces; empty when none was stored.
    """

    def __init__(self, failure: AgentFailure, turn_id: str) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.turn_id = turn_id


async def find_server_loss(failure: AgentFailure, run: TurnRun, store: Store) -> ServerLost | None:
    """Return the loss that a failure means.

    None when the server did not end, or when a repeat of the turn could do something twice.
    """
    if failure.code != "crashed" or not run.is_repeatable:
        return None
    session_id, turn_id = run.turn.session_id, run.turn_id
    if turn_id and not await store.has_turn(session_id, turn_id):
        # the server ended after its answer, before it stored the turn
        turn_id = ""
    elif not turn_id and run.sent_at:
        # the server ended before it answered with the turn's id
        turn_id = await store.turn_since(session_id, run.sent_at)
    if turn_id and await store.called_tool(session_id, turn_id):
        return None
    return ServerLost(failure, turn_id)
