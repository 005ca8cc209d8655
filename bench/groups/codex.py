"""Row group `codex`: latency added to app-server's own first delta, and parallel threads."""

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from bench.measuring.plan import Plan
from bench.measuring.rows import Baseline, Row, Target
from bench.measuring.turns import TurnRunner
from bench.measuring.wire import Address
from tests.fakes.codex_cli.codex_prompts import environment, real_codex, responses_api, text
from xo_cowork_core.sdk.testing import Chat, LiveServer

NAME = "codex: first delta over app-server's own, median"
PROMPT = "[[text hello world]]"
RECEIVE_BYTES = 1 << 16
WAIT_SECONDS = 30.0
THREADS = 6
WORDS = 200


def measure(plan: Plan) -> Iterator[Row]:
    """Measure warm turns of one session on the real Codex, directly and through the server."""
    binary = real_codex()
    target = Target(15)
    if binary is None:
        yield Row(NAME, "ms", target=target, note="no real CLI here: `make toolchain`")
        return
    count = plan.pick(60, 15)
    with responses_api() as port, tempfile.TemporaryDirectory() as folder:
        values = environment(binary, port, Path(folder))
        own = median(list(run_directly(binary, values, Path(folder), count)))
        values = {"XO_PLUGINS": "runtime_codex", **values}
        with LiveServer(environment=values, fresh=True) as server:
            turn_runner = TurnRunner(Address.of(server.base_url), "codex", PROMPT)
            through = median(list(turn_runner.first_deltas(count)))
            together = six_at_once(server)
    baseline = Baseline("ms, app-server over a pipe", 1e3 * own)
    yield Row(NAME, "ms", 1e3 * (through - own), target, baseline, note=f"{count} turns")
    yield together


def six_at_once(server: LiveServer) -> Row:
    """Run a turn in each of six sessions at the same time, on one app-server."""
    texts = [" ".join(f"{letter}{n}" for n in range(WORDS)) for letter in "abcdef"]
    chat = Chat(server, "codex")
    begun = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        texts_received = list(threads.map(lambda words: chat.run_turn(text(words)).text, texts))
    seconds = time.perf_counter() - begun
    same = sum(received == words for received, words in zip(texts_received, texts, strict=True))
    note = f"{same} of {THREADS} exact, {WORDS} words each"
    return Row("codex: six new threads at once", "s", seconds, exact=same == THREADS, note=note)


def run_directly(
    binary: Path, values: Mapping[str, str], folder: Path, count: int
) -> Iterator[float]:
    """Drive the app-server over a pipe: seconds from `turn/start` to the first delta."""
    given = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **values}
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    argv = [str(binary), "app-server"]
    with subprocess.Popen(argv, env=given, stdin=pipe, stdout=pipe, stderr=nothing) as child:
        bare = BareClient(child)
        bare.request("initialize", clientInfo={"name": "bench", "version": "1"})
        thread = bare.request("thread/start", cwd=str(folder))["result"]["thread"]["id"]
        part = {"type": "text", "text": PROMPT, "text_elements": []}
        for number in range(count + 1):
            begun = time.perf_counter()
            bare.send("turn/start", threadId=thread, input=[part])
            bare.until("item/agentMessage/delta")
            taken = time.perf_counter() - begun
            bare.until("turn/completed")
            if number:
                yield taken
        child.kill()


class BareClient:
    """A minimal client of an app-server."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._rest = b""
        self._number = 0

    def send(self, method: str, **params: object) -> None:
        assert self._child.stdin
        self._number += 1
        record = {"id": self._number, "method": method, "params": params}
        self._child.stdin.write(json.dumps(record).encode() + b"\n")
        self._child.stdin.flush()

    def request(self, method: str, **params: object) -> dict[str, Any]:
        self.send(method, **params)
        while True:
            record = json.loads(self._line())
            if record.get("id") == self._number:
                return record

    def until(self, method: str) -> None:
        mark = f'"method":"{method}"'.encode()
        while mark not in self._line():
            pass

    def _line(self) -> bytes:
        assert self._child.stdout
        while b"\n" not in self._rest:
            if not select.select([self._child.stdout], [], [], WAIT_SECONDS)[0]:
                raise RuntimeError("the app-server fell silent")
            self._rest += os.read(self._child.stdout.fileno(), RECEIVE_BYTES)
        line, _, self._rest = self._rest.partition(b"\n")
        return line
