"""A person at the routes of a cloud drive, whose browser is the provider's of the test."""

from contextlib import suppress

import httpx

from tests.support.drive_remotes import WAITING, DriveRemotes
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.sdk.testing.server import LiveServer


class DriveClient(DriveRemotes):
    """Uses the remotes of one connector. Methods that return no response check its status."""

    def __init__(self, server: LiveServer, connector: str, provider: FakeOAuthServer) -> None:
        super().__init__(server, connector)
        self.provider = provider

    def url(self, remote: str, action: str) -> str:
        """Return the path of an action on a remote."""
        return f"{self.path}/remotes/{remote}/{action}"

    def open_session(self, name: str, **body: object) -> str:
        """Start a sign-in and return its session."""
        response = self.start(name, **body)
        assert response.status_code == 202, response.text
        assert response.json()["status"] == "pending"
        return response.json()["session_id"]

    def auth_url(self, session_id: str) -> str:
        """Return the URL that a person opens, once there is one."""
        session = self.wait(session_id, WAITING)
        assert session["status"] == "awaiting_oauth", session
        assert session["needs_manual_code"] is True
        return str(session["auth_url"])

    def browse(self, url: str) -> None:
        """Open an authorization URL and follow it to where the sign-in listens."""
        with suppress(httpx.RemoteProtocolError):
            # a sign-in program may end before it has answered the browser
            self.provider.sign_in(url)

    def cancel(self, session_id: str) -> httpx.Response:
        """Cancel a session."""
        return self.http.post(f"{self.path}/sessions/{session_id}/cancel")

    def connect(self, name: str, **body: object) -> Body:
        """Sign in to a remote with the browser; return the session at its end."""
        session = self.sign_in(self.browse, name, **{"force": True, **body})
        assert session["status"] == "completed", session
        return session

    def remotes(self) -> dict[str, Body]:
        """Return the remotes by name."""
        return {str(row["name"]): row for row in self.rows()}

    def folders_of(self, remote: str, path: str = "") -> list[str]:
        """Return the names of the folders in a folder."""
        return list(self.folders(path, remote))

    def files_of(self, remote: str, path: str = "") -> dict[str, Body]:
        """Return what is in a folder, by name."""
        response = self.get("files", remote, path=path)
        assert response.status_code == 200, response.text
        return {row["name"]: row for row in response.json()["entries"]}

    def send(
        self, remote: str, filename: str, content: object, path: str = "", **query: str
    ) -> httpx.Response:
        """Send a file to a remote."""
        return self.upload(filename, content, path, remote, **query)

    def download(self, remote: str, path: str, **headers: str) -> httpx.Response:
        """Fetch a file."""
        return self.http.get(self.url(remote, "download"), params={"path": path}, headers=headers)
