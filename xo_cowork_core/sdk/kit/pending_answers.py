"""The requests of one turn that wait for a person's answer."""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from xo_cowork_core.sdk.errors import NotFound

T = TypeVar("T")


class PendingAnswers(Generic[T]):
    """Pending requests by call id, in the order in which they came.

    A request is what the runtime needs to pass the answer on: the agent's own record, or a future
    that the run waits for. `title` names the agent in errors.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._requests: dict[str, tuple[Hashable, T]] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._requests)

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._requests

    def __iter__(self) -> Iterator[T]:
        return iter([request for _, request in self._requests.values()])

    def add(self, call_id: str, request: T, *, request_id: Hashable = None) -> None:
        """Keep a request. `request_id` is the agent's own id of it, for `cancel`."""
        self._requests[call_id] = (request_id, request)

    def take(self, call_id: str) -> T:
        """Remove and return the request that an answer is for. Raises `NotFound` when none waits,
        or the turn is over."""
        entry = self._requests.pop(call_id, None)
        if entry is None or self._closed:
            raise NotFound(f"{self._title} no longer waits for this answer.")
        return entry[1]

    def cancel(self, request_id: Hashable) -> list[T]:
        """Remove and return the requests that the agent withdrew by its own id."""
        call_ids = [key for key, (known, _) in self._requests.items() if known == request_id]
        return [self._requests.pop(call_id)[1] for call_id in call_ids]

    def close(self) -> None:
        """Take no more answers: the turn is over. Requests that wait can still be iterated."""
        self._closed = True
