"""Validates what a runtime yields: events whose fields have the types that their class declares."""

from collections.abc import AsyncIterator
from functools import cache
from typing import cast

from xo_cowork_core import sdk
from xo_cowork_core.sdk import Event, ReasoningDelta, TextDelta
from xo_cowork_core.services.runtimes.plugin_record import PluginError
from xo_cowork_core.services.runtimes.type_checks import find_mismatch
from xo_cowork_core.services.runtimes.value_words import describe_value

DELTAS = frozenset({TextDelta, ReasoningDelta})


def validate_event(event: object) -> None:
    """Raise PluginError, with a message for the runtime's author, for an invalid event.

    Readers and the history trust the event log, so an invalid event must not enter it. Values in
    `arguments` and `metadata` are the agent's own and are not validated.
    """
    # nearly all events are deltas: they take the shortest path
    if type(event) in DELTAS and type(event.text) is str:  # pyright: ignore
        return
    event_class = type(event)
    if event_class not in event_classes():
        raise PluginError(f"run() must yield events of the SDK, {describe_value(event)}")
    if mismatch := find_mismatch(event, event_class, "", of_agent=True):
        raise PluginError(f"run(): {mismatch}")


def require_iterator(events: object) -> AsyncIterator[Event]:
    """Return what `run` returned. Raises PluginError where it is no asynchronous iterator."""
    if isinstance(events, AsyncIterator):
        return cast("AsyncIterator[Event]", events)
    received = describe_value(events).partition(":")[0]
    raise PluginError(
        f"run() must be an asynchronous generator, {received}:"
        " write `async def run(self, turn)` with `yield`"
    )


@cache
def event_classes() -> frozenset[type]:
    """Return the classes of the events that a runtime may yield."""
    exported = (getattr(sdk, name) for name in sdk.__all__)
    return frozenset(
        each
        for each in exported
        if isinstance(each, type) and issubclass(each, Event) and each is not Event
    )
