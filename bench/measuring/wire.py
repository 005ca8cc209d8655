"""A client with little overhead: plain sockets, no HTTP library on the streaming side."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import cast
from urllib.parse import urlsplit

SECONDS = 60.0
RECEIVE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @classmethod
    def of(cls, base_url: str) -> "Address":
        parts = urlsplit(base_url)
        return cls(parts.hostname or "", parts.port or 80)


@dataclass(frozen=True, slots=True)
class StartedTurn:
    """The answer to a prompt."""

    stream_id: str
    session_id: str


class Prompter:
    """One connection kept alive, over which prompts go."""

    def __init__(self, address: Address, agent_name: str = "claude_code") -> None:
        self._http = HTTPConnection(address.host, address.port, timeout=SECONDS)
        self._http.connect()
        self._agent_name = agent_name

    def prompt(self, text: str, session_id: str | None = None) -> StartedTurn:
        """Start a turn."""
        body = {"text": text, "session_id": session_id, "agent_name": self._agent_name}
        answer = self.post("/api/chat/prompt", body)
        return StartedTurn(str(answer["stream_id"]), str(answer["session_id"]))

    def post(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """Post JSON; an answer other than 200 is an error."""
        headers = {"Content-Type": "application/json"}
        self._http.request("POST", path, json.dumps(body), headers)
        answer = self._http.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {text[:300]!r}")
        return cast("Mapping[str, object]", json.loads(text))

    def close(self) -> None:
        self._http.close()


def warm_session(address: Address) -> str:
    """Run one turn to its end, so that the session's process is there; return the session."""
    prompter = Prompter(address)
    started = prompter.prompt("warm up")
    prompter.close()
    with connect(address) as stream:
        stream.sendall(encode_get(address, stream_path(started.stream_id)))
        while stream.recv(RECEIVE_BYTES):
            pass
    return started.session_id


def connect(address: Address) -> socket.socket:
    """Open a connection on which one stream will be read."""
    connection = socket.create_connection((address.host, address.port), timeout=SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def encode_get(address: Address, path: str) -> bytes:
    """Return the request for a path; the server closes the connection after its answer."""
    head = (
        f"GET {path} HTTP/1.1\r\nHost: {address.host}:{address.port}\r\nConnection: close\r\n\r\n"
    )
    return head.encode()


def stream_path(stream_id: str) -> str:
    return f"/api/chat/stream/{stream_id}"
