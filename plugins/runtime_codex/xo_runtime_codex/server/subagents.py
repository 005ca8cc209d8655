"""Subagents: threads that the turns of other threads started.

Known from the server's notifications. A subagent outlives the turn that started it, and an
interrupt of that turn does not stop it.
"""

from collections.abc import Mapping

SUBAGENT_NOTIFICATIONS = frozenset({"turn/started", "turn/completed", "thread/closed"})


class SubagentTracker:
    """Tracks the root thread and the running turn of each subagent."""

    def __init__(self) -> None:
        self._own: dict[str, str] = {}  # latest turn of each root thread
        self._roots: dict[str, str] = {}  # root thread of each subagent
        self._turns: dict[str, str] = {}  # running turn of each subagent

    def record(self, method: str, params: Mapping[str, object]) -> None:
        """Record one of `SUBAGENT_NOTIFICATIONS`."""
        thread_id, turn = str(params.get("threadId")), params.get("turn")
        if method == "turn/started" and isinstance(turn, Mapping):
            turn_id = str(turn.get("id"))
            self._record_start(thread_id, turn_id, str(turn.get("rootTurnId") or turn_id))
            return
        self._turns.pop(thread_id, None)
        if method == "thread/closed":
            self._own.pop(thread_id, None)
            self._roots.pop(thread_id, None)

    def root(self, thread_id: str) -> str:
        """Return the root thread of a subagent; empty for any other thread."""
        return self._roots.get(thread_id, "")

    def threads(self, root: str) -> list[str]:
        """Return the subagents of a root thread."""
        return [thread_id for thread_id, known in self._roots.items() if known == root]

    def running_turns(self, root: str) -> list[tuple[str, str]]:
        """Return thread and turn of each running subagent of a root thread."""
        return [(each, self._turns[each]) for each in self.threads(root) if each in self._turns]

    def _record_start(self, thread_id: str, turn_id: str, root_turn: str) -> None:
        # a goal's turn names a root turn of its own thread, a subagent's one of its root thread
        owners = (owner for owner, turn in self._own.items() if turn == root_turn)
        root = self._roots.get(thread_id) or next(owners, thread_id)
        if root == thread_id:
            self._own[thread_id] = turn_id
        else:
            self._roots[thread_id] = root
            self._turns[thread_id] = turn_id
