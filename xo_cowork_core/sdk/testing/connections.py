"""A client of the connector routes: signs in, reads flows and states, disconnects."""

from collections.abc import Sequence
from typing import cast

import httpx

from xo_cowork_core.sdk.connector import MethodKind
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_cowork_core.sdk.testing.server import LiveServer

FLOW_SECONDS = 30.0
TERMINAL_STATES = frozenset({"completed", "failed", "cancelled", "expired"})


class Connections:
    """Uses one connector of a server. Methods raise AssertionError for an error status."""

    def __init__(self, server: LiveServer, name: str) -> None:
        self.server = server
        self.name = name

    @property
    def http(self) -> httpx.Client:
        return self.server.client

    @property
    def path(self) -> str:
        """The path of the connector's routes."""
        return f"/api/connectors/{self.name}"

    def row(self) -> Body:
        """Return the connector in the list of all."""
        rows = cast("list[Body]", self.http.get("/api/connectors").json())
        names = [row["name"] for row in rows]
        assert self.name in names, f"no connector {self.name}, only {names}\n{self.server.log}"
        return rows[names.index(self.name)]

    def plugin(self) -> Body:
        """Return the record of the connector's plugin."""
        name = self.row()["plugin"]
        rows = cast("list[Body]", self.http.get("/api/plugins").json()["plugins"])
        return next(row for row in rows if row["name"] == name)

    def abilities(self) -> Sequence[JsonValue]:
        """Return the names of the connector's abilities."""
        rows = cast("list[Body]", self.plugin()["connectors"])
        row = next(row for row in rows if row["name"] == self.name)
        return cast("Sequence[JsonValue]", row["abilities"])

    def methods(self, kind: MethodKind | None = None) -> Sequence[Body]:
        """Return the ways to sign in, of one kind if given."""
        methods = cast("list[Body]", self.row()["methods"])
        return [method for method in methods if kind is None or method["kind"] == kind]

    def start(self, body: Body, *, action: str = "connect") -> httpx.Response:
        """Start a sign-in and return the response, whatever its status."""
        return self.http.post(f"{self.path}/{action}", json=body)

    def connect(self, **body: JsonValue) -> Body:
        """Start a sign-in, in the place of an open one."""
        return _body(self.start({"force": True, **body}), 200, 202)

    def reconnect(self, **body: JsonValue) -> Body:
        """Start a sign-in to the same account."""
        return _body(self.start({"force": True, **body}, action="reconnect"), 200, 202)

    def flow(self, flow_id: JsonValue) -> Body:
        """Return a sign-in."""
        return _body(self.http.get(f"{self.path}/flows/{flow_id}"), 200)

    def submit(self, flow_id: JsonValue, text: str) -> Body:
        """Submit what a person pasted."""
        response = self.http.post(f"{self.path}/flows/{flow_id}/input", json={"input": text})
        return _body(response, 200)

    def cancel(self, flow_id: JsonValue) -> Body:
        """End a sign-in."""
        return _body(self.http.delete(f"{self.path}/flows/{flow_id}"), 200)

    def wait(self, flow_id: JsonValue, *states: str, seconds: float = FLOW_SECONDS) -> Body:
        """Wait until a sign-in is in one of the states, by default until it has ended."""
        wanted = frozenset(states) or TERMINAL_STATES
        description = f"the sign-in is {' or '.join(sorted(wanted))}"
        eventually(lambda: self.flow(flow_id)["state"] in wanted, seconds, description)
        return self.flow(flow_id)

    def status(self, *, verify: bool = False) -> Body:
        """Return the state of the connection; with `verify` the service is asked first."""
        query = {"verify": "true"} if verify else {}
        return _body(self.http.get(f"{self.path}/status", params=query), 200)

    def state(self, *, verify: bool = False) -> JsonValue:
        """Return the exact state of the connection."""
        return cast("Body", self.status(verify=verify)["detail"])["state"]

    def disconnect(self) -> Body:
        """Revoke and delete the tokens."""
        return _body(self.http.post(f"{self.path}/disconnect"), 200)


def _body(response: httpx.Response, *expected: int) -> Body:
    assert response.status_code in expected, f"{response.status_code}: {response.text}"
    return cast("Body", response.json())
