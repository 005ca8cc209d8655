"""The samples of `/metrics`."""

from collections.abc import Callable, Iterable, Sequence

from xo_cowork_core.api.dependencies import Sample
from xo_cowork_core.host.loop_watchdog import CORE, LoopWatchdog
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.turns.turns import Turns


def build_samplers(
    registry: Registry, turns: Turns, eventlog: EventLog, watchdog: LoopWatchdog
) -> Sequence[Callable[[], Iterable[Sample]]]:
    """Return the functions that are called at each scrape."""

    def sample_plugins() -> Iterable[Sample]:
        for name, record in registry.plugins.items():
            labels = (("plugin", name), ("state", record.state))
            yield Sample("xo_plugin", "Plugins by state.", 1, labels)

    def sample_stalls() -> Iterable[Sample]:
        help_text = "Times that the event loop was held for more than 1 s."
        for name in (CORE, *registry.plugins):
            stalls = watchdog.stalls[name]
            labels = (("plugin", name),)
            yield Sample("xo_event_loop_stalls", help_text, stalls, labels, kind="counter")

    def sample_turns() -> Iterable[Sample]:
        yield Sample("xo_turns_active", "Turns that run.", len(turns.active()))
        yield Sample("xo_turns", "Turns started.", turns.started_total, kind="counter")
        yield Sample("xo_events", "Events logged.", eventlog.entries_total, kind="counter")
        failing = float(eventlog.failing)
        yield Sample("xo_eventlog_failing", "1 while the disk refuses.", failing)

    return (sample_plugins, sample_stalls, sample_turns)
