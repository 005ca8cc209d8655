"""Reports code that holds the event loop: which plugin, which file, which line.

A thread compares the time with a heartbeat that the loop sends. While the heart does not beat the
stack of the loop's thread shows who holds it.
"""

import asyncio
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from xo_cowork_core.services.runtimes.plugin_record import PluginRecord

BEAT_SECONDS = 0.25
LIMIT_SECONDS = 1.0
CORE = "core"
# a loop whose innermost Python code is one of these waits for work, or for the processor
IDLE_MODULES = frozenset({"selectors", "asyncio", "xo_cowork_core.host.serving"})
log = logging.getLogger("xo_cowork.host")


class ProcessorTime:
    """Measures how long neither the watching thread nor a watched one had the processor.

    That is the time of a machine that slept, a container that was paused, or other programs. A
    watched thread that keeps the interpreter for itself delays the watching one, but works.
    """

    def __init__(self, thread: int) -> None:
        self._clock = time.pthread_getcpuclockid(thread)
        self._measured = self._read()

    def missing(self, waited: float) -> float:
        """Return it for the time since the last call, in which the caller waited so long."""
        (moment, worked), self._measured = self._measured, self._read()
        late = self._measured[0] - moment - waited
        return max(0.0, late - (self._measured[1] - worked))

    def _read(self) -> tuple[float, float]:
        return time.monotonic(), time.clock_gettime(self._clock)


class LoopWatchdog:
    """Watches the loop of one app. `stalls` counts by plugin, `CORE` for code of the server."""

    def __init__(self, plugins: Mapping[str, PluginRecord]) -> None:
        self.stalls = Counter[str]()
        self._plugins = plugins
        self._last_beat = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch the running loop."""
        loop = asyncio.get_running_loop()
        stopped = threading.Event()

        def beat() -> None:
            self._last_beat = time.monotonic()
            if not stopped.is_set():
                loop.call_later(BEAT_SECONDS, beat)

        beat()
        arguments = (threading.get_ident(), stopped)
        thread = threading.Thread(
            target=self._watch, args=arguments, name="loop watchdog", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            stopped.set()

    def _watch(self, loop_thread: int, stopped: threading.Event) -> None:
        is_reported = False
        processor = ProcessorTime(loop_thread)
        while not stopped.wait(BEAT_SECONDS):
            self._last_beat += processor.missing(BEAT_SECONDS)
            is_held = time.monotonic() - self._last_beat > BEAT_SECONDS + LIMIT_SECONDS
            if is_held and not is_reported:
                self._report(sys._current_frames().get(loop_thread))  # documented
            is_reported = is_held

    def _report(self, frame: FrameType | None) -> None:
        if frame is None or _module_of(frame) in IDLE_MODULES:
            return
        name, culprit = self._find_culprit(frame)
        self.stalls[name] += 1
        place = f"{culprit.f_code.co_filename}:{culprit.f_lineno} in {culprit.f_code.co_name}"
        text = f"{place} holds the event loop for more than {LIMIT_SECONDS:g} s"
        if record := self._plugins.get(name):
            record.add_fault("event loop", f"{text}: use asyncio.to_thread for work that blocks")
        else:
            log.warning("%s", text)

    def _find_culprit(self, frame: FrameType) -> tuple[str, FrameType]:
        """Return the innermost frame of a plugin and its plugin; without one, the innermost."""
        names = {record.package: name for name, record in self._plugins.items() if record.package}
        each: FrameType | None = frame
        while each is not None:
            package = str(each.f_globals.get("__name__", "")).partition(".")[0]
            if package in names:
                return names[package], each
            each = each.f_back
        return CORE, frame


def _module_of(frame: FrameType) -> str:
    module = str(frame.f_globals.get("__name__", ""))
    return "asyncio" if module.startswith("asyncio.") else module
