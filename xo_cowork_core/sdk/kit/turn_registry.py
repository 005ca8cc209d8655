"""The running turns of a runtime, which receive its interrupts and answers."""

from collections import OrderedDict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from xo_cowork_core.sdk.errors import NotFound
from xo_cowork_core.sdk.runtime.turn import Turn, TurnAnswer

EARLY_INTERRUPTS = 256


class ActiveTurn(Protocol):
    """A runtime's object for one running turn."""

    async def interrupt(self) -> None:
        """Ask the agent to stop."""
        ...

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        """Pass on an answer. Raises `NotFound` when no request with this id waits for one."""
        ...


T = TypeVar("T", bound=ActiveTurn)


class ActiveTurns(Generic[T]):
    """The running turns of one runtime, for its `interrupt` and `answer`.

    A turn may be interrupted before its run was added, and its run may be replaced by another
    attempt: `is_interrupted` is true from the interrupt on until `remove`.
    """

    def __init__(self) -> None:
        self._runs: dict[str, tuple[Turn, T]] = {}
        self._interrupted: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[T]:
        """Iterate over a copy of the running turns' runs."""
        return iter([run for _, run in self._runs.values()])

    @contextmanager
    def running(self, turn: Turn, run: T) -> Generator[None]:
        """Have `run` get the interrupts and answers of `turn` inside this block. It takes the
        place of an earlier run of the turn."""
        self._runs[turn.stream_id] = (turn, run)
        try:
            yield
        finally:
            if self.find(turn.stream_id) is run:
                del self._runs[turn.stream_id]

    def remove(self, turn: Turn) -> None:
        """Remove a turn and its interrupt, if there was one. Call it last, in `finally`."""
        self._runs.pop(turn.stream_id, None)
        self._interrupted.pop(turn.stream_id, None)

    def find(self, stream_id: str) -> T | None:
        """Return the run of a turn; None when it has none."""
        entry = self._runs.get(stream_id)
        return entry[1] if entry else None

    def find_session(self, session_id: str) -> T | None:
        """Return the run of a session's turn; None when the session has none."""
        runs = (run for turn, run in self._runs.values() if turn.session_id == session_id)
        return next(runs, None)

    def is_interrupted(self, turn: Turn) -> bool:
        """Return whether the turn was interrupted."""
        return turn.stream_id in self._interrupted

    async def interrupt(self, turn: Turn) -> None:
        """Note the interrupt and pass it on, where the turn has a run."""
        self._interrupted[turn.stream_id] = None
        if len(self._interrupted) > EARLY_INTERRUPTS + len(self._runs):
            self._interrupted.popitem(last=False)  # its turn never began
        run = self.find(turn.stream_id)
        if run is not None:
            await run.interrupt()

    async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
        """Pass an answer on. Raises `NotFound` when the turn has no run, or its run does."""
        run = self.find(turn.stream_id)
        if run is None:
            raise NotFound("The turn is over.")
        await run.answer(call_id, answer)
