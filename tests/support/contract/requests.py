"""One request for each operation of the contract, with the answers that it may get."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import httpx

from tests.support.contract.connector_requests import CONNECTOR_PLANS
from tests.support.contract.plan import Plan
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

PROJECT = "contract-requests"
UNKNOWN = "7c1f6a9e-4a3b-4c7e-9d1e-2f5a8b6c0d3e"


class ContractRequests:
    """A server with a session, a project and a file, and what a request may remove."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.http = server.client
        path = str(server.projects / PROJECT)
        made = self.http.post("/api/files/mkdir", json={"path": path, "scaffold": True})
        assert made.status_code == 200, made.text
        (server.home / "note.md").write_text("note")
        self.chat = Chat(server, "demo", PROJECT)
        self._made = 0

    @cached_property
    def turn(self) -> Any:
        """A turn that has ended."""
        return self.chat.run_turn("tools note.md hello", permission_presets={"file_changes": True})

    def fill(self, text: str) -> str:
        """Replace the placeholders in a path or a text of a body."""
        for name, make in self._makers().items():
            if f"<{name}>" in text:
                text = text.replace(f"<{name}>", make())
        return text

    def fill_body(self, body: Any) -> Any:
        """Replace the placeholders in a body."""
        if isinstance(body, str):
            return self.fill(body)
        if isinstance(body, Mapping):
            return {key: self.fill_body(value) for key, value in body.items()}
        return [self.fill_body(value) for value in body] if isinstance(body, list) else body

    def _makers(self) -> Mapping[str, Callable[[], str]]:
        return {
            "home": lambda: str(self.server.home),
            "project": lambda: PROJECT,
            "stream": lambda: self.turn.stream_id,
            "session": lambda: self.turn.session_id,
            "message": lambda: self.chat.messages(self.turn.session_id)[0]["id"],
            "unknown": lambda: UNKNOWN,
            "number": self._next_number,
            "new session": lambda: self._make("/api/sessions", {"agent_name": "demo"}, "id"),
            "new agent": lambda: self._make("/api/agents", {"name": self._next_number()}, "id"),
            "new todo": lambda: self._make(
                f"/api/xo-projects/{PROJECT}/todos", {"content": "Look"}, "id"
            ),
            "new key": self._make_key,
            "legacy project": self._make_legacy,
            "gdrive session": lambda: self._make_drive_session("gdrive"),
            "onedrive session": lambda: self._make_drive_session("onedrive"),
        }

    def _next_number(self) -> str:
        self._made += 1
        return f"n{self._made}"

    def _make(self, path: str, body: Mapping[str, str], key: str) -> str:
        answer = self.http.post(path, json=body, headers={"X-XO-Wire": "docs"})
        assert answer.status_code in {200, 201}, answer.text
        return str(answer.json()[key])

    def _make_key(self) -> str:
        key = f"CONTRACT_{self._next_number().upper()}"
        answer = self.http.patch(f"/api/secrets/{key}", json={"value": "obviously-fake"})
        assert answer.status_code == 200, answer.text
        return key

    def _make_drive_session(self, connector: str) -> str:
        body = {"name": self._next_number(), "force": True}
        answer = self.http.post(f"/api/connectors/{connector}/remotes", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["session_id"])

    def _make_legacy(self) -> str:
        name = self._next_number()
        body = {"project_name": name, "question": "text", "agent_name": "demo"}
        assert self.http.post("/ask_question", json=body).status_code == 200
        return name

    def request(self, operation: str, style: str) -> httpx.Response:
        """Send the request of an operation; the client compares the answer with the document."""
        method, path = operation.split(" ", 1)
        plan = PLANS.get(operation, Plan(path))
        assert "{" not in plan.path, (
            f"{operation} has no plan in tests/support/contract/requests.py"
        )
        headers = {"X-XO-Wire": style}
        if operation == "POST /api/chat/edit":
            # the turn of an edit in the other style may still run
            chat = Chat(self.server, "demo")
            eventually(lambda: not chat.active(), 10, "no turn is running")
        if operation == "POST /api/files/upload":
            return self.http.post(path, files={"file": ("a.txt", b"a")}, headers=headers)
        body = self.fill_body(plan.body)
        content = {} if body is None else {"json": body}
        return self.http.request(method, self.fill(plan.path), headers=headers, **content)


def expected_status(operation: str) -> tuple[int, ...]:
    """Return the statuses that the request of an operation may get."""
    return PLANS.get(operation, Plan("")).status


# where nobody is signed in and the upstream cannot be reached
NO_UPSTREAM = (200, 400, 401, 404, 502)
PLANS: Mapping[str, Plan] = {
    **CONNECTOR_PLANS,
    "DELETE /api/agents/{}": Plan("/api/agents/<new agent>"),
    "GET /api/agents/{}": Plan("/api/agents/main"),
    "PATCH /api/agents/{}": Plan("/api/agents/main", {"description": "First"}),
    "POST /api/agents": Plan("/api/agents", {"name": "<number>"}),
    "POST /api/channels/add": Plan("/api/channels/add", {"channel": "telegram", "token": "t"}),
    "POST /api/chat/prompt": Plan("/api/chat/prompt", {"text": "text", "agent_name": "demo"}),
    "POST /api/chat/edit": Plan(
        "/api/chat/edit", {"session_id": "<session>", "message_id": "<message>", "text": "text"}
    ),
    "POST /api/chat/abort": Plan("/api/chat/abort", {"stream_id": "<stream>"}),
    "POST /api/chat/respond": Plan(
        "/api/chat/respond", {"stream_id": "x", "call_id": "x", "response": True}, (404,)
    ),
    "GET /api/chat/stream/{}": Plan("/api/chat/stream/<stream>"),
    "POST /api/chat/stream/{}": Plan("/api/chat/stream/<stream>"),
    "GET /api/config/agents/{}": Plan("/api/config/agents/demo"),
    "POST /api/config/providers/{}/key": Plan(
        "/api/config/providers/anthropic/key", {"key": "obviously-fake-key"}
    ),
    "DELETE /api/config/providers/{}/key": Plan("/api/config/providers/anthropic/key"),
    "GET /api/fts/index/{}": Plan("/api/fts/index/all"),
    "POST /api/fts/index/{}": Plan("/api/fts/index/all"),
    "GET /api/messages/{}": Plan("/api/messages/<session>"),
    "DELETE /api/secrets/{}": Plan("/api/secrets/<new key>"),
    "PATCH /api/secrets/{}": Plan("/api/secrets/CONTRACT_KEY", {"value": "obviously-fake"}),
    "GET /api/secrets/{}/reveal": Plan("/api/secrets/<new key>/reveal"),
    "PUT /api/secrets/env": Plan(
        "/api/secrets/env", {"entries": [{"key": "A_KEY", "value": "obviously-fake"}]}
    ),
    "PUT /api/secrets/schema/{}": Plan(
        "/api/secrets/schema/runtime_claude", {"values": {"ANTHROPIC_API_KEY": "obviously-fake"}}
    ),
    "DELETE /api/sessions/{}": Plan("/api/sessions/<new session>"),
    "GET /api/sessions/{}": Plan("/api/sessions/<session>"),
    "PATCH /api/sessions/{}": Plan("/api/sessions/<session>", {"title": "A title"}),
    "GET /api/sessions/{}/export-md": Plan("/api/sessions/<session>/export-md"),
    "GET /api/sessions/{}/files": Plan("/api/sessions/<session>/files"),
    "GET /api/sessions/{}/todos": Plan("/api/sessions/<session>/todos"),
    "GET /api/usage/sessions/{}": Plan("/api/usage/sessions/<session>", status=(200, 404)),
    "GET /openclaw/usage/sessions/{}": Plan(
        "/openclaw/usage/sessions/<session>", status=(200, 404)
    ),
    "POST /api/files/attach": Plan("/api/files/attach", {"paths": ["~/note.md"]}),
    "POST /api/files/content": Plan("/api/files/content", {"path": "~/note.md"}),
    "POST /api/files/content-binary": Plan("/api/files/content-binary", {"path": "~/note.md"}),
    "POST /api/files/mkdir": Plan("/api/files/mkdir", {"path": "~/<number>"}),
    "POST /api/files/save": Plan("/api/files/save", {"path": "~/saved.md", "content": "x"}),
    "POST /api/files/search": Plan("/api/files/search", {"directory": "~", "query": "note"}),
    "GET /api/workspace-memory": Plan("/api/workspace-memory?workspace=<project>"),
    "PUT /api/workspace-memory": Plan(
        "/api/workspace-memory?workspace=<project>", {"memory": "all that is known"}
    ),
    "DELETE /api/workspace-memory": Plan("/api/workspace-memory?workspace=<project>"),
    "GET /api/xo-projects/{}/activity": Plan("/api/xo-projects/<project>/activity"),
    "GET /api/xo-projects/{}/timeline": Plan("/api/xo-projects/<project>/timeline"),
    "GET /api/xo-projects/{}/tree": Plan("/api/xo-projects/<project>/tree"),
    "GET /api/xo-projects/{}/usage": Plan("/api/xo-projects/<project>/usage"),
    "GET /api/xo-projects/{}/todos": Plan("/api/xo-projects/<project>/todos"),
    "POST /api/xo-projects/{}/todos": Plan(
        "/api/xo-projects/<project>/todos", {"content": "Look"}, (201,)
    ),
    "PATCH /api/xo-projects/{}/todos/{}": Plan(
        "/api/xo-projects/<project>/todos/<new todo>", {"status": "completed"}
    ),
    "DELETE /api/xo-projects/{}/todos/{}": Plan("/api/xo-projects/<project>/todos/<new todo>"),
    "POST /ask_question": Plan(
        "/ask_question", {"project_name": "<project>", "question": "text", "agent_name": "demo"}
    ),
    "POST /ask_question_streaming": Plan(
        "/ask_question_streaming",
        {"project_name": "<project>", "question": "text", "agent_name": "demo"},
    ),
    "DELETE /sessions/{}": Plan("/sessions/<legacy project>"),
    "POST /claude/setup-token/callback": Plan(
        "/claude/setup-token/callback", {"session_id": "<unknown>", "code": "x"}, (409,)
    ),
    "POST /connect/claude-code/callback": Plan(
        "/connect/claude-code/callback", {"session_id": "<unknown>", "code": "x"}, (409,)
    ),
    "GET /codex/setup/{}": Plan("/codex/setup/<unknown>", status=(404,)),
    "GET /api/codex/status": Plan("/api/codex/status", status=(200, 503)),
    "POST /xo-auth/start": Plan("/xo-auth/start", status=(502,)),
    "GET /xo-auth/status/{}": Plan("/xo-auth/status/x?poll_token=y", status=NO_UPSTREAM),
    "POST /xo-auth/consume": Plan(
        "/xo-auth/consume", {"auth_session_id": "x", "poll_token": "y"}, NO_UPSTREAM
    ),
    "GET /xo-auth/whoami": Plan("/xo-auth/whoami", status=(401,)),
}
