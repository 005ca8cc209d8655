"""Onboarding: when the server first ran, and whether a person has completed the introduction.

Kept in `state.json` in the state folder, with other programs' keys in it. A damaged file is renamed
and counts as absent. `version` is that of the fields below; a file without it is of an earlier
server, which wrote `onboarding_completed` and `onboarding_completed_at` alone.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.storage.json_file import JsonFile, JsonObject

FILE_NAME = "state.json"
VERSION = 1
FIRST_STEP, LAST_STEP = "start", "completed"
log = logging.getLogger("xo_cowork.onboarding")


class OnboardingState(NamedTuple):
    """`step` is the last step that a client has named, or `start` or `completed`."""

    completed: bool = False
    step: str = FIRST_STEP
    first_run_at: datetime | None = None
    completed_at: datetime | None = None


class Onboarding:
    """Reads and writes the state. Owns one task, which records the first start."""

    def __init__(self, state_dir: Path, clock: Clock) -> None:
        self._file = JsonFile(state_dir / FILE_NAME)
        self._clock = clock
        self._lock = asyncio.Lock()
        self._started_at = clock.now()
        self._first_start: asyncio.Task[OnboardingState] | None = None

    def start(self) -> None:
        """Record the first start in the background: the server's start does not wait for it."""
        self._first_start = asyncio.create_task(self.read(), name="onboarding first start")

    async def stop(self) -> None:
        """Wait for the task."""
        if self._first_start:
            await asyncio.wait({self._first_start})

    async def read(self) -> OnboardingState:
        """Return the state. Raises Unavailable when the file can't be read."""
        async with self._lock:
            return await asyncio.to_thread(self._read)

    async def complete(self, step: str | None = None) -> OnboardingState:
        """Complete the onboarding; a repeat keeps the time of the first. Raises Unavailable."""
        async with self._lock:
            return await asyncio.to_thread(self._complete, step)

    def _read(self) -> OnboardingState:
        stored, state = self._load()
        if state.first_run_at is None:
            state = self._with_first_run(state)
            try:
                self._store(stored, state)
            except Unavailable as error:
                # the next request tries again
                log.warning("the first start is not recorded: %s", error.message)
        return state

    def _complete(self, step: str | None) -> OnboardingState:
        stored, state = self._load()
        completed = self._with_first_run(state)._replace(
            completed=True,
            step=step or (state.step if state.completed else LAST_STEP),
            completed_at=state.completed_at or self._clock.now(),
        )
        if completed != state:
            self._store(stored, completed)
        return completed

    def _with_first_run(self, state: OnboardingState) -> OnboardingState:
        first = state.first_run_at or min(filter(None, (state.completed_at, self._started_at)))
        return state._replace(first_run_at=first)

    def _load(self) -> tuple[JsonObject, OnboardingState]:
        """Return what is stored and its meaning; a damaged file is renamed."""
        try:
            content = self._file.read()
            if not content.set_aside:
                try:
                    return content.value, _state_of(content.value)
                except (ValueError, RecursionError) as error:
                    content = self._file.set_aside(str(error))
        except OSError as error:
            raise _unavailable("read", error) from None
        name = content.set_aside.name if content.set_aside else ""
        log.error("%s was damaged (%s): it is %s now", FILE_NAME, content.problem, name)
        return {}, OnboardingState()

    def _store(self, stored: JsonObject, state: OnboardingState) -> None:
        """Write a state over the stored keys; a file of a newer version is renamed before."""
        entries: JsonObject = {
            "version": VERSION,
            "onboarding_completed": state.completed,
            "onboarding_step": state.step,
            "first_run_at": _stamp(state.first_run_at),
            "onboarding_completed_at": _stamp(state.completed_at),
        }
        try:
            if _version_of(stored) > VERSION:
                aside = self._file.set_aside("").set_aside
                log.warning(
                    "%s is of a newer server: it is %s now", FILE_NAME, aside.name if aside else ""
                )
                stored = {}
            self._file.write({**stored, **entries})
        except OSError as error:
            raise _unavailable("written", error) from None


def _state_of(stored: Mapping[str, object]) -> OnboardingState:
    """Return the state in a file. Raises ValueError for a value of a wrong type."""
    # keys of others are written back: they must be text that a file can hold
    json.dumps(stored, ensure_ascii=False).encode()
    _version_of(stored)
    completed = stored.get("onboarding_completed", False)
    step = stored.get("onboarding_step", LAST_STEP if completed else FIRST_STEP)
    if not isinstance(completed, bool) or not isinstance(step, str):
        raise ValueError("a field has a wrong type")
    return OnboardingState(
        completed,
        step,
        _time(stored.get("first_run_at")),
        _time(stored.get("onboarding_completed_at")),
    )


def _version_of(stored: Mapping[str, object]) -> int:
    version = stored.get("version", 0)
    if type(version) is not int:
        raise ValueError("its version is no number")
    return version


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("a time has a wrong type")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        # the text of the error quotes the file
        raise ValueError("a time can't be read") from None


def _stamp(moment: datetime | None) -> str | None:
    return stamp(moment) if moment else None


def _unavailable(verb: str, error: OSError) -> Unavailable:
    reason = error.strerror or type(error).__name__
    return Unavailable(f"The state of the onboarding can't be {verb}: {reason}")
