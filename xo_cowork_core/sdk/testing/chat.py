"""A frontend in a few calls: prompts, reads, answers, aborts, over HTTP alone."""

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
class Started:
    """The answer to a prompt."""

    stream_id: str
    session_id: str


class Chat:
    """Talks to one runtime of a server, in the project folder `folder`."""

    def __init__(self, server: LiveServer, agent_name: str, project: str = PROJECT) -> None:
        self.server = server
        self.agent_name = agent_name
        self.folder: Path = server.projects / project
        self.folder.mkdir(exist_ok=True)

    @property
    def http(self) -> httpx.Client:
        return self.server.client

    def send(self, text: str, **fields: JsonValue) -> httpx.Response:
        """Post a prompt and return whatever is answered."""
        body = {"text": text, "agent_name": self.agent_name, "agent_id": self.folder.name, **fields}
        return self.http.post("/api/chat/prompt", json=body)

    def prompt(self, text: str, **fields: JsonValue) -> Started:
        """Start a turn."""
        return started(self.send(text, **fields))

    def stream(self, stream_id: str, *, after: int | None = None, query: str = "") -> EventStream:
        """Open a reader."""
        return EventStream(self.http, stream_id, after=after, query=query)

    def read(self, turn: Started, *, seconds: float = WAIT_SECONDS) -> Recording:
        """Read a turn from its first event to its end."""
        with self.stream(turn.stream_id) as stream:
            return Recording(turn.stream_id, turn.session_id, stream.rest(seconds))

    def run_turn(
        self, text: str, *, seconds: float = WAIT_SECONDS, **fields: JsonValue
    ) -> Recording:
        """Start a turn and read it to its end."""
        return self.read(self.prompt(text, **fields), seconds=seconds)

    def ask_turn(
        self,
        text: str,
        event: str,
        response: JsonValue | Callable[[Frame], JsonValue],
        **fields: JsonValue,
    ) -> Recording:
        """Run a turn and answer its first `event` with `response`."""
        turn = self.prompt(text, **fields)
        with self.stream(turn.stream_id) as stream:
            asked = stream.wait_for(event)
            said = response(asked) if callable(response) else response
            answered = self.respond(turn.stream_id, str(asked.data["call_id"]), said)
            assert answered.status_code == 200, answered.text
            return Recording(turn.stream_id, turn.session_id, stream.rest())

    def respond(self, stream_id: str, call_id: str, response: JsonValue) -> httpx.Response:
        """Answer a permission, a question or a plan."""
        body = {"stream_id": stream_id, "call_id": call_id, "response": response}
        return self.http.post("/api/chat/respond", json=body)

    def abort(self, stream_id: str) -> Body:
        """Stop a turn."""
        answer = self.http.post("/api/chat/abort", json={"stream_id": stream_id})
        assert answer.status_code == 200, answer.text
        return cast("Body", answer.json())

    def active(self) -> list[Body]:
        """List the running turns."""
        answer = self.http.get("/api/chat/active")
        assert answer.status_code == 200, answer.text
        return cast("list[Body]", answer.json())

    def messages(self, session_id: str) -> list[Body]:
        """Fetch a session's newest messages."""
        answer = self.http.get(f"/api/messages/{session_id}", params={"limit": 500})
        assert answer.status_code == 200, answer.text
        return cast("list[Body]", answer.json()["messages"])

    def sessions(self) -> list[Body]:
        """List the runtime's sessions, newest first."""
        query = {"agent_name": self.agent_name, "limit": 500}
        answer = self.http.get("/api/sessions", params=query, headers={"X-XO-Wire": "docs"})
        assert answer.status_code == 200, answer.text
        return cast("list[Body]", answer.json()["sessions"])


def started(answer: httpx.Response) -> Started:
    """Read the answer to a prompt that was accepted."""
    assert answer.status_code == 200, answer.text
    body = cast("Mapping[str, str]", answer.json())
    return Started(body["stream_id"], body["session_id"])
