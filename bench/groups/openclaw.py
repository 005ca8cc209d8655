"""Row group `openclaw`: latency added to the gateway's own first delta, and latency of prompts."""

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles

from websockets.asyncio.client import ClientConnection, connect

from bench.measuring.plan import Plan
from bench.measuring.rows import Baseline, Row, Target
from bench.measuring.turns import TurnRunner
from bench.measuring.wire import Address
from tests.fakes.openclaw_gateway.openclaw_prompts import (
    TOKEN,
    GatewayProcess,
    chat_model,
    environment,
    gateway,
    real_binary,
)
from xo_cowork_core.sdk.testing import LiveServer

ADDED = "openclaw: first delta over the gateway's own, median"
KNOWN = "openclaw: prompt answered, known session"
NEW = "openclaw: prompt answered, new session"
DOWN = "openclaw: prompt refused, gateway killed, slowest"
TARGETS = {ADDED: Target(20), KNOWN: Target(250), NEW: Target(250), DOWN: Target(1000)}
PROMPT = "[[text hello world]]"
WARM_UP = 4
REST_SECONDS = 0.3
WAIT_SECONDS = 60.0
UNAVAILABLE = 503


def measure(plan: Plan) -> Iterator[Row]:
    """Measure warm turns on one real gateway, directly and through the server; then kill it."""
    binary = real_binary()
    if binary is None:
        for name, target in TARGETS.items():
            yield Row(name, "ms", target=target, note="no real CLI here: `make toolchain`")
        return
    with (
        chat_model() as port,
        tempfile.TemporaryDirectory() as folder,
        gateway(binary, Path(folder), port) as running,
        LiveServer(
            environment={"XO_PLUGINS": "runtime_openclaw", **environment(running.url)}, fresh=True
        ) as s,
    ):
        turn_runner = TurnRunner(Address.of(s.base_url), "openclaw", PROMPT)
        yield added(running, turn_runner, plan.pick(24, 8))
        session = turn_runner.turn(None).session_id
        yield from answered(turn_runner, session, plan.pick(20, 6))
        running.kill()
        yield refused(turn_runner.address, session, plan.pick(20, 6))


def added(running: GatewayProcess, turn_runner: TurnRunner, count: int) -> Row:
    """Run pairs of turns, one with a bare client; each kind goes first in turn.

    Pairs are compared because the gateway's own time varies by more than the difference.
    """
    own: list[float] = []
    more: list[float] = []
    with asyncio.Runner() as runner:
        bare = runner.run(BareClient.opened(running.url))
        session = turn_runner.turn(None).session_id
        for number in range(-WARM_UP, count):
            pair = [lambda: runner.run(bare.turn()), lambda: turn_runner.turn(session).first]
            ran: dict[int, float] = {}
            for place in (0, 1) if number % 2 else (1, 0):
                # after a run's last event the gateway is busy with it for a while
                time.sleep(REST_SECONDS)
                ran[place] = pair[place]()
            if number >= 0:
                own.append(ran[0])
                more.append(ran[1] - ran[0])
        runner.run(bare.close())
    baseline = Baseline("ms, bare WebSocket client", 1e3 * median(own))
    low, _, high = quantiles(more, n=4)
    note = f"{count} pairs of turns, half of them {1e3 * low:.0f} to {1e3 * high:.0f} ms"
    return Row(ADDED, "ms", 1e3 * median(more), TARGETS[ADDED], baseline, note=note)


def answered(turn_runner: TurnRunner, session: str, count: int) -> Iterator[Row]:
    """Measure the answer to a prompt while the gateway is up."""
    known = [turn_runner.turn(session).answered for _ in range(count)]
    new = [turn_runner.turn(None).answered for _ in range(count)]
    for name, times in ((KNOWN, known), (NEW, new)):
        note = f"{count} prompts, slowest {1e3 * max(times):.0f} ms"
        yield Row(name, "ms", 1e3 * median(times), TARGETS[name], note=note)


def refused(address: Address, session: str, count: int) -> Row:
    """Measure the answer to prompts after the gateway was killed."""
    times: list[float] = []
    wrong = ""
    for number in range(count):
        body = {"text": PROMPT, "agent_name": "openclaw", "session_id": number % 2 and session}
        begun = time.perf_counter()
        status, text = _post(address, {name: value for name, value in body.items() if value})
        times.append(time.perf_counter() - begun)
        if status != UNAVAILABLE or b'"detail"' not in text or b"gateway" not in text:
            wrong = f"{status} {text[:80]!r}"
    note = wrong or f"{count} prompts, median {1e3 * median(times):.0f} ms"
    return Row(DOWN, "ms", 1e3 * max(times), TARGETS[DOWN], exact=not wrong, note=note)


def _post(address: Address, body: Mapping[str, object]) -> tuple[int, bytes]:
    http = HTTPConnection(address.host, address.port, timeout=WAIT_SECONDS)
    headers = {"Content-Type": "application/json"}
    http.request("POST", "/api/chat/prompt", json.dumps(body), headers)
    answer = http.getresponse()
    text = answer.read()
    http.close()
    return answer.status, text


class BareClient:
    """A minimal client of a gateway, in one session."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._key = f"agent:main:bench:{uuid.uuid4()}"

    @classmethod
    async def opened(cls, url: str) -> "BareClient":
        """Connect, shake hands and open the session."""
        bare = cls(await connect(url, compression=None, ping_interval=None, proxy=None))
        await bare._socket.recv()
        await bare.request(
            "connect",
            minProtocol=4,
            maxProtocol=4,
            client={"id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend"},
            role="operator",
            scopes=["operator.read", "operator.write", "operator.admin"],
            auth={"token": TOKEN},
        )
        await bare.request("sessions.create", key=bare._key, agentId="main")
        await bare.request("sessions.messages.subscribe", key=bare._key)
        return bare

    async def send(self, method: str, **params: object) -> str:
        number = str(uuid.uuid4())
        request = {"type": "req", "id": number, "method": method, "params": params}
        await self._socket.send(json.dumps(request))
        return number

    async def request(self, method: str, **params: object) -> None:
        await self._until(f'"id":"{await self.send(method, **params)}","ok":true')

    async def turn(self) -> float:
        """Run a turn: seconds from `chat.send` to the first delta."""
        run = str(uuid.uuid4())
        begun = time.perf_counter()
        await self.send("chat.send", sessionKey=self._key, message=PROMPT, idempotencyKey=run)
        await self._until(run, '"deltaText"', '"stream":"assistant"')
        taken = time.perf_counter() - begun
        await self._until(run, '"state":"final"')
        return taken

    async def close(self) -> None:
        await self._socket.close()

    async def _until(self, mark: str, *kinds: str) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                frame = str(await self._socket.recv())
                if mark in frame and (not kinds or any(kind in frame for kind in kinds)):
                    return
