"""The samples of `/metrics`."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from xo_cowork_core.api.dependencies import Sample
from xo_cowork_core.host.loop_watchdog import CORE
from xo_cowork_core.host.service_groups import BaseServices, TurnServices
from xo_cowork_core.services.connectors.events import (
    CHANGE_KINDS,
    REFRESH_RESULTS,
    ConnectionEvents,
)

if TYPE_CHECKING:
    from xo_cowork_core.services.webhook.webhook import Webhook


def build_samplers(
    base: BaseServices, events: ConnectionEvents, turn_services: TurnServices
) -> Sequence[Callable[[], Iterable[Sample]]]:
    """Return the functions that are called at each scrape."""
    registry, eventlog, watchdog = base.registry, base.eventlog, base.watchdog
    turns = turn_services.turns

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

    sample_connections = partial(_sample_connections, events)
    samplers = (sample_plugins, sample_stalls, sample_turns, sample_connections)
    webhook = turn_services.webhook
    return samplers if webhook is None else (*samplers, partial(_sample_webhook, webhook))


def _sample_webhook(webhook: "Webhook") -> Iterable[Sample]:
    yield Sample("xo_webhook_backlog", "Notices that were not sent yet.", webhook.backlog)
    disabled = float(webhook.sender.is_stopped)
    yield Sample("xo_webhook_disabled", "1 after the receiver has answered 410.", disabled)
    for result, count in webhook.sender.counts.items():
        labels = (("result", result),)
        help_text = "Attempts to send a notice."
        yield Sample("xo_webhook_attempts", help_text, count, labels, kind="counter")


def _sample_connections(events: ConnectionEvents) -> Iterable[Sample]:
    states = Counter((connector, state) for (connector, _), state in events.states.items())
    for (connector, state), count in sorted(states.items()):
        labels = (("connector", connector), ("state", state))
        yield Sample("xo_connections", "Connections by state.", count, labels)
    for kind in CHANGE_KINDS:
        count = events.counts[kind]
        labels = (("change", kind),)
        help_text = "Changes of the state of connections."
        yield Sample("xo_connection_changes", help_text, count, labels, kind="counter")
    for result in REFRESH_RESULTS:
        labels = (("result", result),)
        count = events.refreshes[result]
        yield Sample("xo_token_refreshes", "Refreshes of tokens.", count, labels, kind="counter")
