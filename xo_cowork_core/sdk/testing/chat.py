"""A client of the chat routes: sends prompts, reads streams, answers requests, aborts turns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.frames import Body, Frame
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.server import LiveServer
from xo_cowork_core.sdk.testing.stream import WAIT_SECONDS, EventStream

PROJECT = "contract"


@dataclass(frozen=True, slots=True)
class StartedTurn:
    """The ids in the response to a prompt."""

    stream_id: str
    session_id: str


class Chat:
    """Runs turns of one runtime on a server, in the project folder `folder`.

    Methods that return parsed bodies raise AssertionError when the status is not 200.
    """

    def __init__(self, server: LiveServer, agent_name: str, project: str = PROJECT) -> None:
        self.server = server
        self.agent_name = agent_name
        self.folder: Path = server.projects / project
        self.folder.mkdir(exist_ok=True)

    @property
    def http(self) -> httpx.Client:
        return self.server.client

    def send(self, text: str, **fields: JsonValue) -> httpx.Response:
        """Send a prompt and return the response, whatever its status."""
        body = {"text": text, "agent_name": self.agent_name, "agent_id": self.folder.name, **fields}
        return self.http.post("/api/chat/prompt", json=body)

    def prompt(self, text: str, **fields: JsonValue) -> StartedTurn:
        """Start a turn and return its ids."""
        return parse_started_turn(self.send(text, **fields))

    def stream(self, stream_id: str, *, after: int | None = None, query: str = "") -> EventStream:
        """Open a reader of a turn's events; `after` is the last id that it has."""
        return EventStream(self.http, stream_id, after=after, query=query)

    def read(self, turn: StartedTurn, *, seconds: float = WAIT_SECONDS) -> Recording:
        """Read all events of a turn."""
        with self.stream(turn.stream_id) as stream:
            return Recording(turn.stream_id, turn.session_id, stream.rest(seconds))

    def run_turn(
        self, text: str, *, seconds: float = WAIT_SECONDS, **fields: JsonValue
    ) -> Recording:
        """Start a turn and read all its events."""
        return self.read(self.prompt(text, **fields), seconds=seconds)

    def run_and_answer(
        self,
        text: str,
        event: str,
        response: JsonValue | Callable[[Frame], JsonValue],
        **fields: JsonValue,
    ) -> Recording:
        """Run a turn and answer its first `event` with `response`, or with what it returns."""
        turn = self.prompt(text, **fields)
        with self.stream(turn.stream_id) as stream:
            request = stream.wait_for(event)
            answer = response(request) if callable(response) else response
            accepted = self.respond(turn.stream_id, str(request.data["call_id"]), answer)
            assert accepted.status_code == 200, accepted.text
            return Recording(turn.stream_id, turn.session_id, stream.rest())

    def respond(self, stream_id: str, call_id: str, response: JsonValue) -> httpx.Response:
        """Answer a permission request, a question or a plan."""
        body = {"stream_id": stream_id, "call_id": call_id, "response": response}
        return self.http.post("/api/chat/respond", json=body)

    def abort(self, stream_id: str) -> Body:
        """Abort a turn."""
        answer = self.http.post("/api/chat/abort", json={"stream_id": stream_id})
        assert answer.status_code == 200, answer.text
        return cast("Body", answer.json())

    def active(self) -> list[Body]:
        """Return the running turns of the server."""
        answer = self.http.get("/api/chat/active")
        assert answer.status_code == 200, answer.text
        return cast("list[Body]", answer.json())

    def messages(self, session_id: str) -> list[Body]:
        """Return a session's newest 500 messages, oldest first."""
        answer = self.http.get(f"/api/messages/{session_id}", params={"limit": 500})
        assert answer.status_code == 200, answer.text
        return cast("list[Body]", answer.json()["messages"])

    def sessions(self) -> list[Body]:
        """Return the runtime's newest 500 sessions, newest first."""
        query = {"agent_name": self.agent_name, "limit": 500}
        answer = self.http.get("/api/sessions", params=query, headers={"X-XO-Wire": "docs"})
        assert answer.status_code == 200, answer.text
        return cast("list[Body]", answer.json()["sessions"])


def parse_started_turn(answer: httpx.Response) -> StartedTurn:
    """Return the ids from the response to a prompt. Raises AssertionError unless it is a 200."""
    assert answer.status_code == 200, answer.text
    body = cast("Mapping[str, str]", answer.json())
    return StartedTurn(body["stream_id"], body["session_id"])
