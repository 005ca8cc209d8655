"""Notices that the receiver refuses: each waits for its next attempt, behind it the others go on.

Kept in memory: after a restart each gets all its attempts again, within its 24 h.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

# a receiver may be in the middle of a change, which takes minutes
RETRY_SECONDS: Sequence[float] = (1.0, 60.0, 600.0, 3600.0)
# of a receiver that is overloaded: no verdict on the notice
TEMPORARY_STATUSES = frozenset({408, 425, 429})


def is_refusal(status: int) -> bool:
    """Return whether a status says that this request, sent again, would be refused again."""
    return 400 <= status < 500 and status not in TEMPORARY_STATUSES


class Refusal(NamedTuple):
    """How often a notice was refused, and when it is sent again."""

    attempts: int
    next_try: datetime


class RefusedNotices:
    """The refused notices by their number in the queue."""

    def __init__(self, retry_seconds: Sequence[float] = RETRY_SECONDS) -> None:
        self._retry_seconds = retry_seconds
        self._refusals: dict[int, Refusal] = {}

    def add(self, number: int, now: datetime) -> bool:
        """Record a refusal. Return False when it was the last attempt."""
        previous = self._refusals.pop(number, None)
        attempts = previous.attempts if previous else 0
        if attempts == len(self._retry_seconds):
            return False
        next_try = now + timedelta(seconds=self._retry_seconds[attempts])
        self._refusals[number] = Refusal(attempts + 1, next_try)
        return True

    def remove(self, number: int) -> None:
        """Forget a notice that is no longer queued."""
        self._refusals.pop(number, None)

    def waiting(self, now: datetime) -> Collection[int]:
        """Return the numbers of those that are not sent at the moment."""
        return [number for number, each in self._refusals.items() if each.next_try > now]

    def retain(self, numbers: Collection[int]) -> None:
        """Forget all but these: no other is queued."""
        self._refusals = {number: self._refusals[number] for number in numbers}

    def pause(self, now: datetime) -> float | None:
        """Return the seconds until the next of them is sent; None while there are none."""
        if not self._refusals:
            return None
        next_try = min(each.next_try for each in self._refusals.values())
        return max(0.0, (next_try - now).total_seconds())
