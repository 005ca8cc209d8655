"""One cloud drive for fault tests: the connector on a server, and the fake of its vendor."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from starlette.types import ASGIApp

from tests.fakes.google_drive import FakeGoogle
from tests.fakes.google_drive.file_store import FOLDER_TYPE
from tests.fakes.google_drive.service import CLIENT_ID, CLIENT_SECRET
from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.microsoft_graph import FakeMicrosoft
from tests.support.drive_remotes import DriveRemotes
from xo_cowork_core.sdk.testing import FakeOAuthServer, LiveServer
from xo_cowork_core.sdk.testing.process_tree import ProcessInfo, eventually

PROCESS_SECONDS = 30.0


class Held(Protocol):
    """Requests that are held back."""

    def wait(self, timeout: float = 20.0) -> None: ...

    def release(self) -> None: ...


class DriveVendor(Protocol):
    """What the fakes of vendors have in common."""

    connector: str
    environment: Mapping[str, str]
    oauth: FakeOAuthServer

    @property
    def hosts(self) -> Mapping[str, ASGIApp]: ...

    def reset(self) -> None:
        """Give the account an empty drive; forget faults and logs."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """Return the content of each file by its path."""
        ...

    def make_folder(self, path: str) -> None:
        """Create a folder as if a person had done it elsewhere."""
        ...

    def hold_lists(self) -> AbstractContextManager[Held]:
        """Hold the requests for what is in folders."""
        ...

    def hold_uploads(self) -> AbstractContextManager[Held]:
        """Hold the requests that send content."""
        ...

    def refuse_lists(self, status: int, *, times: int = 1) -> None:
        """Answer the next requests for what is in folders with an error."""
        ...


class MicrosoftVendor:
    """OneDrive."""

    connector = "onedrive"
    environment: Mapping[str, str] = {"ONEDRIVE_CLIENT_ID": "test-client"}

    def __init__(self, fake: FakeMicrosoft) -> None:
        self.fake = fake
        self.oauth = fake.oauth

    @property
    def hosts(self) -> Mapping[str, ASGIApp]:
        return self.fake.hosts

    def reset(self) -> None:
        self.fake.reset()

    def files(self) -> Mapping[str, bytes]:
        return self.fake.drive.files()

    def make_folder(self, path: str) -> None:
        self.fake.drive.make_folders(path)

    def hold_lists(self) -> AbstractContextManager[Held]:
        return self.fake.hold("GET", "/children$")

    def hold_uploads(self) -> AbstractContextManager[Held]:
        return self.fake.hold("PUT", "^/rup/")

    def refuse_lists(self, status: int, *, times: int = 1) -> None:
        headers = {"Retry-After": "1"} if status in {429, 503} else {}
        codes = {401: "InvalidAuthenticationToken", 429: "activityLimitReached"}
        code = codes.get(status, "serviceNotAvailable")
        self.fake.fault("/children$", status, code, headers=headers, times=times)


class GoogleVendor:
    """Google Drive."""

    connector = "gdrive"
    environment: Mapping[str, str] = {
        "GOOGLE_DRIVE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_DRIVE_CLIENT_SECRET": CLIENT_SECRET,
    }

    def __init__(self, fake: FakeGoogle) -> None:
        self.fake = fake
        self.oauth = fake.oauth

    @property
    def hosts(self) -> Mapping[str, ASGIApp]:
        return self.fake.hosts

    def reset(self) -> None:
        self.fake.clear()

    def files(self) -> Mapping[str, bytes]:
        paths = self.fake.store.paths().items()
        return {path: file.content for path, file in paths if not file.is_folder}

    def make_folder(self, path: str) -> None:
        self.fake.store.store({"name": path, "mimeType": FOLDER_TYPE}, b"")

    def hold_lists(self) -> AbstractContextManager[Held]:
        return self.fake.hold("GET", "/drive/v3/files$")

    def hold_uploads(self) -> AbstractContextManager[Held]:
        return self.fake.hold("POST", "^/upload/")

    def refuse_lists(self, status: int, *, times: int = 1) -> None:
        reason = {401: "authError", 429: "rateLimitExceeded"}.get(status, "backendError")
        self.fake.fault("/drive/v3/files$", status, reason, method="GET", times=times)


class DriveWorld:
    """One vendor, and a server with its connector."""

    def __init__(self, vendor: DriveVendor, network: LoopbackNetwork, server: LiveServer) -> None:
        self.vendor = vendor
        self.network = network
        self.server = server
        self.remotes = DriveRemotes(server, vendor.connector)

    @property
    def oauth(self) -> FakeOAuthServer:
        return self.vendor.oauth

    def sign_in(self, name: str = "work") -> None:
        """Sign in to a remote."""
        session = self.remotes.sign_in(self.oauth.sign_in, name)
        assert session["status"] == "completed", session

    def reset(self) -> None:
        """Undo what a test did to the vendor, and remove all remotes."""
        self.vendor.reset()
        if not self.server.running:
            self.server.start()
        for row in self.remotes.rows():
            self.remotes.delete(str(row["name"]))
        self.vendor.reset()

    def rclone(self) -> ProcessInfo:
        """Return the running daemon."""
        eventually(lambda: self._daemons() != [], PROCESS_SECONDS, "rclone runs")
        return self._daemons()[0]

    def _daemons(self) -> list[ProcessInfo]:
        processes = self.server.descendants()
        return [process for process in processes if " rcd " in f" {process.command} "]


@contextmanager
def microsoft_vendor() -> Iterator[DriveVendor]:
    """Run the fake of Microsoft."""
    with FakeMicrosoft(has_rclone_client=True) as fake:
        yield MicrosoftVendor(fake)


@contextmanager
def google_vendor() -> Iterator[DriveVendor]:
    """Run the fake of Google."""
    with FakeGoogle() as fake:
        yield GoogleVendor(fake)


@contextmanager
def run_world(
    vendor: DriveVendor, environment: Mapping[str, str] | None = None
) -> Iterator[DriveWorld]:
    """Run a server with the connector of a vendor."""
    with LoopbackNetwork(vendor.hosts) as network:
        entries = {
            **network.environment,
            "XO_PLUGINS": f"connector_{vendor.connector}",
            **vendor.environment,
            **(environment or {}),
        }
        with LiveServer(environment=entries) as server:
            yield DriveWorld(vendor, network, server)
