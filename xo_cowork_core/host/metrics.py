"""The numbers of `/metrics`."""

from collections.abc import Callable, Iterable, Sequence

from xo_cowork_core.api.dependencies import Sample
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.turns.turns import Turns


def samplers(
    registry: Registry, turns: Turns, eventlog: EventLog
) -> Sequence[Callable[[], Iterable[Sample]]]:
    """Return what is asked at each scrape."""

    def plugins() -> Iterable[Sample]:
        for name, record in registry.plugins.items():
            labels = (("plugin", name), ("state", record.state))
            yield Sample("xo_plugin", "Plugins by state.", 1, labels)

    def running() -> Iterable[Sample]:
        yield Sample("xo_turns_active", "Turns that run.", len(turns.active()))
        yield Sample("xo_turns", "Turns started.", turns.started_total, kind="counter")
        yield Sample("xo_events", "Events logged.", eventlog.entries_total, kind="counter")
        failing = float(eventlog.failing)
        yield Sample("xo_eventlog_failing", "1 while the disk refuses.", failing)

    return (plugins, running)
