"""A client of the routes of a cloud drive's remotes (contract §7)."""

from collections.abc import Callable, Iterable, Sequence
from typing import cast

import httpx

from xo_cowork_core.sdk.testing import LiveServer
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.process_tree import eventually

SESSION_SECONDS = 20.0
ENDED = frozenset({"completed", "failed", "cancelled"})
WAITING = frozenset({"awaiting_oauth"})


class DriveRemotes:
    """Uses the remotes of one connector. What returns a response does not check its status."""

    def __init__(self, server: LiveServer, connector: str) -> None:
        self.server = server
        self.connector = connector

    @property
    def path(self) -> str:
        """The path of the connector's routes."""
        return f"/api/connectors/{self.connector}"

    @property
    def http(self) -> httpx.Client:
        return self.server.client

    def start(self, name: str = "work", **body: object) -> httpx.Response:
        """Start to sign in to a remote."""
        return self.http.post(f"{self.path}/remotes", json={"name": name, **body})

    def session(self, session_id: object) -> Body:
        """Return a sign-in."""
        response = self.http.get(f"{self.path}/sessions/{session_id}")
        assert response.status_code == 200, response.text
        return cast("Body", response.json())

    def wait(self, session_id: object, statuses: frozenset[str] = ENDED) -> Body:
        """Wait until a sign-in has one of the statuses, or has ended."""
        eventually(
            lambda: self.session(session_id)["status"] in statuses | ENDED,
            SESSION_SECONDS,
            f"the sign-in is one of {sorted(statuses)}",
        )
        return self.session(session_id)

    def begin(self, name: str = "work", **body: object) -> Body:
        """Start a sign-in and return it when it waits for the person."""
        response = self.start(name, **body)
        assert response.status_code == 202, response.text
        session_id = response.json()["session_id"]
        return {**self.wait(session_id, WAITING), "session_id": session_id}

    def sign_in(self, visit: Callable[[str], object], name: str = "work", **body: object) -> Body:
        """Sign in; `visit` is the person's browser."""
        session = self.begin(name, **body)
        assert session["status"] == "awaiting_oauth", session
        visit(str(session["auth_url"]))
        return self.wait(session["session_id"])

    def submit(self, session_id: object, code: str) -> httpx.Response:
        """Submit what a person pasted."""
        return self.http.post(f"{self.path}/sessions/{session_id}/submit", json={"code": code})

    def rows(self) -> Sequence[Body]:
        """Return all remotes."""
        response = self.http.get(f"{self.path}/remotes")
        assert response.status_code == 200, response.text
        return cast("list[Body]", response.json()["remotes"])

    def row(self, name: str = "work") -> Body:
        """Return one remote."""
        return next(row for row in self.rows() if row["name"] == name)

    def get(self, action: str, name: str = "work", **query: str) -> httpx.Response:
        """Send a GET request for something of a remote."""
        return self.http.get(f"{self.path}/remotes/{name}/{action}", params=query)

    def post(self, action: str, name: str = "work", **body: object) -> httpx.Response:
        """Send a POST request for something of a remote."""
        return self.http.post(f"{self.path}/remotes/{name}/{action}", json=body)

    def delete(self, name: str = "work") -> httpx.Response:
        """Disconnect a remote."""
        return self.http.delete(f"{self.path}/remotes/{name}")

    def folders(self, path: str = "", name: str = "work") -> Sequence[str]:
        """Return the names of the folders in a folder."""
        response = self.get("folders", name, path=path)
        assert response.status_code == 200, response.text
        return [str(row["name"]) for row in response.json()["folders"]]

    def upload(
        self,
        filename: str,
        content: bytes | Iterable[bytes],
        path: str = "",
        name: str = "work",
        **query: str,
    ) -> httpx.Response:
        """Upload a file."""
        return self.http.post(
            f"{self.path}/remotes/{name}/upload",
            params={"path": path, "filename": filename, **query},
            content=content,
            headers={"content-type": "application/octet-stream"},
        )
