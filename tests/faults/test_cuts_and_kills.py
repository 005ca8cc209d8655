"""Readers that break off and servers that are killed: nothing is lost in silence.

Each round is seeded: ten turns are cut by SIGKILL at a random moment, an eleventh runs to its
end, and 300 times in a round the reader goes away and resumes with `Last-Event-ID`.
Seeds are drawn from the commit; `make soak` runs more rounds.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from xo_cowork_core.sdk.testing import (
    Chat,
    Frame,
    LiveServer,
    StartedTurn,
    eventually,
    install_plugin,
)

EVENTS = 10_000
KILLS = 10
CUTS = 300
PAUSE = 0.003
TURN_SECONDS = 0.7


@dataclass
class Reading:
    """What one reader of one turn has got over all its connections."""

    last_id: int = 0
    cuts: int = 0
    desyncs: int = 0
    terminal: Frame | None = None
    seen: list[Frame] = field(default_factory=list)

    def take(self, frame: Frame) -> None:
        """Check a frame against the ticker's event."""
        assert self.terminal is None, "something came after the terminal event"
        if frame.event == "desync":
            self.desyncs += 1
        if frame.event == "text-delta":
            assert frame.data["text"] == f"{frame.id - 1} ", "text and id do not belong together"
        if frame.id is not None:
            self.last_id = frame.id
        if frame.terminal:
            self.terminal = frame


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = (Path(__file__).parents[1] / "support" / "plugins" / "ticker.py").read_text()
    return install_plugin(tmp_path_factory.mktemp("plugins"), "runtime_ticker", source)


@pytest.fixture
def server(plugins: Path) -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "runtime_ticker"}, python_path=[plugins]) as running:
        yield running


@pytest.mark.fault
@pytest.mark.timeout(300)
def test_no_id_is_skipped_and_no_process_left_whatever_breaks(
    server: LiveServer, fault_seed: int
) -> None:
    dice = random.Random(fault_seed)
    cuts = CUTS
    for _ in range(KILLS):
        reading = turn_that_is_killed(server, dice, cuts)
        cuts -= reading.cuts
    chat = Chat(server, "ticker")
    whole = Reading()
    read_with_cuts(chat, chat.prompt(f"tick {EVENTS} {PAUSE}"), whole, dice, cuts)
    assert whole.cuts == cuts
    assert whole.terminal
    assert whole.terminal.event == "done"
    assert whole.terminal.id == EVENTS + 2
    assert whole.desyncs == 0
    children = server.descendants()
    assert server.terminate() == 0
    eventually(lambda: not any(child.is_alive for child in children), 15, "no process left")


def turn_that_is_killed(server: LiveServer, dice: random.Random, cuts: int) -> Reading:
    """Run a turn, kill the server at a random moment, restart it and read on."""
    chat = Chat(server, "ticker")
    turn = chat.prompt(f"tick {EVENTS} {PAUSE}")
    reading = Reading()
    killer = threading.Timer(dice.uniform(0.0, TURN_SECONDS), server.kill)
    killer.start()
    try:
        read_with_cuts(chat, turn, reading, dice, cuts)
    except httpx.TransportError:
        pass
    except (AssertionError, RuntimeError) as error:
        # the client is gone with the server; any other fault is the stream's
        is_gone = ("the server is not running", "Cannot send a request, as the client has been")
        assert str(error).startswith(is_gone), error
    killer.join()
    assert reading.desyncs == 0, "nothing was lost before the kill"
    orphans = [process for process in server.seen_processes if process.is_alive]
    server.start()
    eventually(lambda: not any(orphan.is_alive for orphan in orphans), 15, "the orphans are swept")
    ended_before = reading.terminal
    after = Reading(last_id=reading.last_id)
    read_with_cuts(Chat(server, "ticker"), turn, after, dice, 0)
    assert after.terminal
    if ended_before:
        # an end is on disk before it is read
        assert (after.terminal, after.desyncs) == (ended_before, 0)
    else:
        assert after.terminal.event in {"agent-error", "done"}
        taken = after.terminal.id <= reading.last_id
        assert after.desyncs == taken, "a desync where the crash took entries, and only there"
    return reading


def read_with_cuts(
    chat: Chat, turn: StartedTurn, reading: Reading, dice: random.Random, cuts: int
) -> None:
    """Read to the end, going away `cuts` times at random ids."""
    points = sorted(dice.sample(range(2, EVENTS), cuts))
    while reading.terminal is None:
        goal = points[reading.cuts] if reading.cuts < len(points) else EVENTS * 2
        with chat.stream(turn.stream_id, after=reading.last_id) as stream:
            for frame in stream:
                reading.take(frame)
                if reading.last_id >= goal and not frame.terminal:
                    reading.cuts += 1
                    break


@pytest.mark.fault
def test_an_end_that_was_read_in_the_moment_before_the_kill_is_read_again(
    server: LiveServer,
) -> None:
    chat = Chat(server, "ticker")
    turn = chat.prompt("tick 1 0")
    with chat.stream(turn.stream_id) as stream:
        end = next(frame for frame in stream if frame.terminal)
        server.kill()
    assert end.event == "done"
    server.start()
    with Chat(server, "ticker").stream(turn.stream_id, after=end.id or 0) as stream:
        assert list(stream) == [end]


@pytest.mark.fault
def test_a_server_that_stops_ends_its_turns_with_an_error(server: LiveServer) -> None:
    chat = Chat(server, "ticker")
    turn = chat.prompt("tick 1000000 0.01")
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("text-delta")
        children = server.descendants()
        assert len(children) >= 2, "the child and its escapee run"
        started = time.monotonic()
        # not by `terminate`, which closes the client that reads
        os.kill(server.pid, signal.SIGTERM)
        frames = stream.rest()
        eventually(lambda: not server.running, 25, "the server has ended")
    assert frames[-1].event == "agent-error"
    assert frames[-1].data["code"] == "restart"
    assert time.monotonic() - started < 25  # the turn would take hours
    eventually(lambda: not any(child.is_alive for child in children), 15, "no process left")
