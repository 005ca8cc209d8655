"""Threads that the turns of other threads started, as the server's notifications tell of them.

They outlive the turn that started them, and an interrupt of that turn doesn't reach them.
"""

from collections.abc import Mapping

NOTICES = frozenset({"turn/started", "turn/completed", "thread/closed"})


class Subagents:
    """Whose thread each one is, and which of their turns are on."""

    def __init__(self) -> None:
        self._own: dict[str, str] = {}  # threads' latest turns of their own, by thread
        self._roots: dict[str, str] = {}  # subagents' threads to the threads they work for
        self._turns: dict[str, str] = {}  # subagents' running turns, by thread

    def note(self, method: str, params: Mapping[str, object]) -> None:
        """Take one of `NOTICES`."""
        thread_id, turn = str(params.get("threadId")), params.get("turn")
        if method == "turn/started" and isinstance(turn, Mapping):
            turn_id = str(turn.get("id"))
            self._started(thread_id, turn_id, str(turn.get("rootTurnId") or turn_id))
            return
        self._turns.pop(thread_id, None)
        if method == "thread/closed":
            self._own.pop(thread_id, None)
            self._roots.pop(thread_id, None)

    def root(self, thread_id: str) -> str:
        """Return the thread that a subagent works for, empty when it is none."""
        return self._roots.get(thread_id, "")

    def of(self, root: str) -> list[str]:
        """List the threads that work for this one."""
        return [thread_id for thread_id, found in self._roots.items() if found == root]

    def turns(self, root: str) -> list[tuple[str, str]]:
        """List their threads and turns that are on."""
        return [(one, self._turns[one]) for one in self.of(root) if one in self._turns]

    def _started(self, thread_id: str, turn_id: str, root_turn: str) -> None:
        # a goal's turn names another one of its own thread; a subagent's one of its root's
        named = (one for one, own in self._own.items() if own == root_turn)
        root = self._roots.get(thread_id) or next(named, thread_id)
        if root == thread_id:
            self._own[thread_id] = turn_id
        else:
            self._roots[thread_id] = root
            self._turns[thread_id] = turn_id
