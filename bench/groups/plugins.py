"""Row group `plugins`: a start with many plugins, and what the checks of events cost."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.groups.start import start_once
from bench.measuring.plan import Plan
from bench.measuring.rows import Row, Target
from bench.measuring.server import QUICK, server_with
from xo_cowork_core.sdk import TextDelta, ToolResult
from xo_cowork_core.sdk.testing import LiveServer, install_plugin
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.turns.event_validation import validate_event
from xo_cowork_core.services.turns.silence import SilenceTimer

MORE_PLUGINS = 16
EVENTS = 200_000
SOURCE = """
from xo_cowork_core.sdk import (
    Contributions, Runtime, RuntimeInfo, SecretField, Setting, TextDelta, hookimpl
)

class Acme(Runtime):
    def describe(self):
        return RuntimeInfo("acme-{number}", "Acme", rank=2000)

    async def run(self, turn):
        yield TextDelta(turn.text)

class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(settings=[Setting("ACME_{number}", "A setting.")])

    @hookimpl
    def xo_secrets(self):
        return [SecretField("ACME_KEY_{number}", "Key")]

    @hookimpl
    def xo_runtimes(self, context):
        return [Acme()]

plugin = Plugin()
"""


def measure(plan: Plan) -> Iterator[Row]:
    """Measure starts with few and many plugins in turn, then the checks."""
    few, many = measure_starts(plan)
    ratios = [more / less for less, more in zip(few, many, strict=True)]
    yield Row(
        f"plugins: a start with {MORE_PLUGINS} more, over one with four",
        "",
        median(ratios),
        Target(1.3),
        note=f"{median(few):.2f} s and {median(many):.2f} s",
    )
    delta, result = TextDelta("twelve bytes"), ToolResult("call-1", "bash", "output")
    yield Row("plugins: checks of one delta", "µs", check_us(delta), Target(0.5))
    yield Row("plugins: checks of one tool result", "µs", check_us(result), Target(10))


def measure_starts(plan: Plan) -> tuple[list[float], list[float]]:
    """Return the seconds to the first answer with the first-party plugins, and with more."""
    few, many = list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(MORE_PLUGINS):
            install_plugin(Path(folder), f"runtime_acme_{number}", SOURCE.format(number=number))
        small = server_with(QUICK)
        large = server_with(QUICK, {"PYTHONPATH": folder})
        try:
            for _ in range(plan.pick(10, 3)):
                few.append(seconds_to_start(small))
                many.append(seconds_to_start(large))
        finally:
            small.close()
            large.close()
    return few, many


def seconds_to_start(place: LiveServer) -> float:
    """Start a server once."""
    return start_once(place, 0.0)[0].seconds


def check_us(event: TextDelta | ToolResult) -> float:
    """Return the microseconds that the checks of one event take."""
    silence = SilenceTimer(300.0, SystemClock())
    begun = time.perf_counter()
    for _ in range(EVENTS):
        validate_event(event)
        silence.restart()
    return 1e6 * (time.perf_counter() - begun) / EVENTS
