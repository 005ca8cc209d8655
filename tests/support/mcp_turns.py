"""Turns whose agents use the MCP server of the connector in `plugins/mcp_agent.py`."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx

from xo_cowork_core.sdk.testing import Chat, Connections, FakeOAuthServer, install_plugin
from xo_cowork_core.sdk.testing.chat import StartedTurn

PLUGIN = Path(__file__).parent / "plugins" / "mcp_agent.py"


def install_acme(folder: Path) -> Path:
    """Install the plugin `connector_acme` in a folder, and return it."""
    return install_plugin(folder, "connector_acme", PLUGIN.read_text())


def acme_environment(provider: FakeOAuthServer, url: str) -> dict[str, str]:
    """Return the settings of that plugin, for an MCP server at `url`."""
    return {"ACME_URL": provider.url, "ACME_MCP": json.dumps({"url": url})}


class Run:
    """A turn that runs, and the MCP server that its agent got."""

    def __init__(self, http: httpx.Client, row: dict[str, str], turn: StartedTurn) -> None:
        self.url = row["url"]
        self.stream_id, self.session_id = turn.stream_id, turn.session_id
        self.headers = {
            "accept": "application/json, text/event-stream",
            "authorization": row["Authorization"],
        }
        self._http = http

    @property
    def token(self) -> str:
        return self.headers["authorization"].removeprefix("Bearer ")

    def request(self, method: str, *, url: str = "", **options: Any) -> httpx.Response:
        """Send a request with the token, or with other headers."""
        headers = {**self.headers, **options.pop("headers", {})}
        return self._http.request(method, url or self.url, headers=headers, **options)

    def stream(self, method: str, **options: Any) -> AbstractContextManager[httpx.Response]:
        """Send a request with the token, and read the answer as it comes."""
        return self._http.stream(method, self.url, headers=self.headers, **options)

    def send(self, message: object, **headers: str) -> httpx.Response:
        """Send one JSON value, whatever the answer's status."""
        return self.request("POST", json=message, headers=headers)

    def call(self, method: str, params: object = None, **headers: str) -> httpx.Response:
        """Send a request of JSON-RPC."""
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}
        return self.send(message, **headers)

    def tool(self, name: str, **arguments: object) -> dict[str, Any]:
        """Call a tool and return the last message of the answer."""
        answer = self.call("tools/call", {"name": name, "arguments": arguments})
        assert answer.status_code == 200, answer.text
        return messages_of(answer.text)[-1]


def messages_of(text: str) -> list[dict[str, Any]]:
    """Return the messages of an event stream, or of a JSON answer."""
    if not text.startswith("event"):
        return [json.loads(text)]
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


def sign_in(connections: Connections, provider: FakeOAuthServer) -> None:
    """Sign in with the browser."""
    flow = connections.connect(method="authorization_code", redirect="loopback")
    provider.sign_in(str(flow["authorize_url"]))
    assert connections.wait(flow["flow_id"])["state"] == "completed"


@contextmanager
def running_turn(chat: Chat, **fields: Any) -> Iterator[Run]:
    """Run a turn for the length of the block."""
    release = chat.folder / "released"
    release.unlink(missing_ok=True)
    turn = chat.prompt("hold", **fields)
    with chat.stream(turn.stream_id) as stream:
        (row,) = json.loads(str(stream.wait_for("text-delta").data["text"]))
        yield Run(chat.http, row, turn)
        release.touch()
        assert stream.rest()[-1].event == "done"


def servers_of(chat: Chat, **fields: Any) -> list[dict[str, str]]:
    """Run a turn and return the MCP servers that its agent got."""
    servers: list[dict[str, str]] = json.loads(chat.run_turn("tell", **fields).text)
    return servers
