"""What the index costs while it is made, kept and found again."""

import http.client
import threading
import time
import uuid
from dataclasses import dataclass

import orjson

from bench.corpus import FOLDERS, MIX, Corpus
from bench.measuring.proc import PeakMemory, cpu_seconds, settle
from xo_cowork_core.sdk.testing import LiveServer

LIMIT_SECONDS = 300.0
LOOK_SECONDS = 0.02
HEALTH_SECONDS = 0.05
PROGRESS_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class ColdBuild:
    """One build of the index: what it cost, and how `/health` answered meanwhile."""

    seconds: float
    cpu_seconds: float
    health: list[float]
    sessions: int
    growth_mb: float
    index_mb: float


def get(server: LiveServer, path: str) -> tuple[float, bytes]:
    """Ask once on a fresh connection; return seconds and body."""
    begun = time.perf_counter()
    connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=60)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return time.perf_counter() - begun, body


def cold_index(server: LiveServer, made: Corpus, start_seconds: float = 0.0) -> ColdBuild:
    """Start the server on a home that it has never seen, and wait until all is indexed.

    `start_seconds` is the CPU time of a start on an empty home: the first scan begins during the
    start, so that the time before it can't be read from this one.
    """
    server.start()
    begun = time.perf_counter()
    asked = Health(server)
    with PeakMemory(server.pid) as peak:
        asked.start()
        total = _indexed(server, len(made.files))
        spent, seconds = cpu_seconds(server.pid) - start_seconds, time.perf_counter() - begun
        asked.stop()
    settle(server.pid)
    size = sum(file.stat().st_size for file in server.state.glob("index-*.db*"))
    return ColdBuild(seconds, spent, asked.seconds, total, peak.growth_mb, size / 1e6)


def _indexed(server: LiveServer, wanted: int) -> int:
    until = time.monotonic() + LIMIT_SECONDS
    while True:
        _, body = get(server, "/api/fts/index/all")
        state = orjson.loads(body)
        ended = state["status"] == "idle" and state["sessions"] >= wanted
        if ended or time.monotonic() > until:
            return int(state["sessions"])
        time.sleep(PROGRESS_SECONDS)


class Health:
    """Requests /health repeatedly in one thread, from `start` to `stop`."""

    def __init__(self, server: LiveServer) -> None:
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="health", daemon=True)
        self.seconds: list[float] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(HEALTH_SECONDS):
            self.seconds.append(get(self._server, "/health")[0])


def findable_seconds(server: LiveServer, made: Corpus) -> float:
    """Append a message to a file while a client reads; return how long until search finds it.

    The slowest of two of each runtime.
    """
    slowest = 0.0
    for each in (each for name in MIX for each in made.of(name)[:2]):
        word = f"findme{uuid.uuid4().hex}"
        each.add_message(word, str(uuid.uuid4()))
        begun = time.perf_counter()
        while word.encode() not in get(server, f"/api/sessions/search?q={word}")[1]:
            if time.perf_counter() - begun > 10:
                raise RuntimeError("a new message was not found")
            time.sleep(LOOK_SECONDS)
        slowest = max(slowest, time.perf_counter() - begun)
    return slowest


def idle_percent(server: LiveServer, seconds: float) -> float:
    """Return the share of one core that is used without requests."""
    settle(server.pid)
    before, begun = cpu_seconds(server.pid), time.monotonic()
    time.sleep(seconds)
    return 100 * (cpu_seconds(server.pid) - before) / (time.monotonic() - begun)


def empty_start_seconds(server: LiveServer) -> float:
    """Return the CPU time of a start and a list on an empty home, and leave no index behind.

    The lesser of two: the first start of all creates the state folder, too.
    """
    spent: list[float] = []
    for _ in range(2):
        server.start()
        get(server, "/api/sessions")
        settle(server.pid)
        spent.append(cpu_seconds(server.pid))
        server.terminate()
        for file in server.state.glob("index-*"):
            file.unlink()
    return min(spent)


def warm_seconds(server: LiveServer) -> tuple[float, float]:
    """Return the CPU time from a restart to a true list, and the same without any history."""
    server.terminate()
    spent: list[float] = []
    away = server.home / "away"
    away.mkdir()
    for empty in (False, True):
        if empty:
            for folder in FOLDERS:
                (server.home / folder).rename(away / folder)
            for file in server.state.glob("index-*"):
                file.unlink()
        server.start()
        get(server, "/api/sessions")
        settle(server.pid)
        spent.append(cpu_seconds(server.pid))
        server.terminate()
    return spent[0], spent[1]
