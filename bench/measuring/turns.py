"""Whole turns through the server, each timed from the prompt on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.measuring.wire import Address, Prompter, connect, encode_get, stream_path

RECEIVE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from sending the prompt: to its answer, and to the first delta at the reader."""

    session_id: str
    answered: float
    first: float


@dataclass(frozen=True, slots=True)
class TurnRunner:
    """Runs turns of one text on one agent."""

    address: Address
    agent_name: str
    text: str

    def turn(self, session: str | None) -> Times:
        """Run one turn to its end; None starts a new session."""
        prompter = Prompter(self.address, self.agent_name)
        with connect(self.address) as stream:
            begun = time.perf_counter()
            started = prompter.prompt(self.text, session)
            answered = time.perf_counter() - begun
            stream.sendall(encode_get(self.address, stream_path(started.stream_id)))
            seen = b""
            while b"event: text-delta" not in seen:
                seen += _more(stream.recv(RECEIVE_BYTES), seen)
            first = time.perf_counter() - begun
            while b"event: done" not in seen:
                seen += _more(stream.recv(RECEIVE_BYTES), seen)
        prompter.close()
        return Times(started.session_id, answered, first)

    def first_deltas(self, count: int) -> Iterator[float]:
        """Run turns of one session. Its first turn, which starts the CLI, is left out."""
        session = self.turn(None).session_id
        for _ in range(count):
            yield self.turn(session).first


def _more(received: bytes, seen: bytes) -> bytes:
    if not received:
        raise RuntimeError(f"the turn ended otherwise: {seen[-300:]!r}")
    return received
