"""The live server leaves nothing behind."""

import os
import signal
from collections.abc import Callable

import httpx
import pytest

from xo_cowork_core.sdk.testing import LiveServer, descendants, eventually

QUIET = {"XO_PLUGINS": "none"}


def test_a_closed_server_leaves_no_process_and_no_folder() -> None:
    with LiveServer(environment=QUIET) as server:
        assert server.client.get("/health").status_code == 200
        root, base_url = server.root, server.base_url
        assert server.pid in {process.pid for process in descendants(os.getpid())}
        pid = server.pid
    assert pid not in {found.pid for found in descendants(os.getpid())}
    assert not root.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base_url}/health", timeout=30, trust_env=False)


def test_a_server_restarts_with_its_folders(live_server: Callable[..., LiveServer]) -> None:
    server = live_server(environment=QUIET)
    pid = server.pid
    (server.projects / "kept").mkdir()
    server.restart()
    assert server.pid != pid
    assert (server.projects / "kept").is_dir()
    assert server.client.get("/health").status_code == 200


def test_a_killed_server_starts_again(live_server: Callable[..., LiveServer]) -> None:
    server = live_server(environment=QUIET)
    assert server.kill() == -9
    assert not server.running
    server.start()
    assert server.client.get("/health").status_code == 200


@pytest.mark.parametrize("starts_again", [True, False])
def test_a_server_that_ends_by_itself_leaves_no_open_client(
    live_server: Callable[..., LiveServer], starts_again: bool
) -> None:
    server = live_server(environment=QUIET)
    client = server.client
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: not server.running, 15, "the exit is seen")
    if starts_again:
        server.start()
    else:
        server.close()
    assert client.is_closed


def test_a_server_that_cannot_start_shows_its_log() -> None:
    server = LiveServer(environment={**QUIET, "PORT": "no-number"})
    with pytest.raises(AssertionError, match="PORT"), server:
        pass
    assert not server.root.exists()


def test_the_environment_is_clean(
    live_server: Callable[..., LiveServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XO_PLANTED", "planted")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    variables = live_server(environment=QUIET).variables()
    assert not {"XO_PLANTED", "HTTPS_PROXY"} & set(variables)
    assert variables["HOME"] != os.environ["HOME"]
