"""Signing in to Codex over HTTP, with the fake CLI and an issuer on the loopback."""

import io
import json
import shutil
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import httpx
import pytest

from tests.fakes.codex_cli.codex_prompts import FAKE_CLI
from tests.fakes.device_issuer import EMAIL, REFRESH_TOKEN, DeviceIssuer
from tests.support.answers import wait_for_state
from xo_cowork_core.sdk.testing import LiveServer, eventually

START = "/codex/setup"
JSON = {"accept": "application/json"}
STATUS = "/api/codex/status"


class EventLines:
    """A reader of one route in a thread of its own. Use it as a context manager."""

    def __init__(self, server: LiveServer, path: str, body: object = None) -> None:
        self.events: list[dict[str, object]] = []
        self.status = 0
        self._url = server.base_url + path
        self._body = body
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._response: httpx.Response | None = None

    def __enter__(self) -> "EventLines":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._thread.join(30)

    def first(self, kind: str) -> dict[str, object]:
        """Wait for the first event of a type."""
        eventually(lambda: bool(self._of(kind)), 30, f"an event {kind} in {self.events}")
        return self._of(kind)[0]

    def texts(self, kind: str) -> list[object]:
        """The `line` of each event of a type."""
        return [event["line"] for event in self._of(kind)]

    def _of(self, kind: str) -> list[dict[str, object]]:
        return [event for event in list(self.events) if event["type"] == kind]

    def _read(self) -> None:
        with (
            httpx.Client(timeout=60, trust_env=False) as client,
            client.stream(
                "POST", self._url, json=self._body, headers={"accept": "text/event-stream"}
            ) as response,
        ):
            self.status = response.status_code
            for line in response.iter_lines():
                if line.startswith("data: "):
                    self.events.append(json.loads(line.removeprefix("data: ")))


@pytest.fixture(scope="module")
def issuer() -> Iterator[DeviceIssuer]:
    with DeviceIssuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def shared(issuer: DeviceIssuer) -> Iterator[LiveServer]:
    with LiveServer(environment=settings(issuer)) as server:
        yield server


@pytest.fixture
def server(shared: LiveServer, issuer: DeviceIssuer) -> Iterator[LiveServer]:
    """A server without an open sign-in."""
    issuer.answer, issuer.starts_with = "pending", 200
    yield shared
    flow = shared.client.get("/api/runtimes/codex/sign-in").json()["flow"]
    if flow:
        shared.client.delete(f"/api/runtimes/codex/sign-in/{flow['flow_id']}")
    for name in ("codex-login.json", ".codex/auth.json"):
        (shared.home / name).unlink(missing_ok=True)


def settings(issuer: DeviceIssuer, **more: str) -> dict[str, str]:
    return {
        "XO_PLUGINS": "runtime_codex",
        "CODEX_CLI_PATH": str(FAKE_CLI),
        "CODEX_LOGIN_ISSUER": issuer.url,
        **more,
    }


def configure(server: LiveServer, **options: object) -> None:
    (server.home / "codex-login.json").write_text(json.dumps(options))


def start(server: LiveServer, **body: object) -> dict[str, object]:
    answer = server.client.post(START, json=body, headers=JSON)
    assert answer.status_code == 202, answer.text
    return answer.json()


def read(server: LiveServer, setup: dict[str, object]) -> dict[str, object]:
    return server.client.get(f"{START}/{setup['session_id']}").json()


def reaches(server: LiveServer, setup: dict[str, object], status: str) -> dict[str, object]:
    eventually(lambda: read(server, setup)["status"] == status, 30, f"it is {status}")
    return read(server, setup)


@pytest.mark.parametrize("app_server", [True, False])
def test_a_person_signs_in_by_either_interface(
    server: LiveServer, issuer: DeviceIssuer, app_server: bool
) -> None:
    configure(server, app_server=app_server)
    setup = start(server)
    assert str(setup["user_code"]).startswith("ABCD-")
    assert setup["verification_uri"] == f"{issuer.url}/codex/device"
    assert 880 < int(str(setup["expires_in"])) <= 900
    # another client joins the same sign-in, also by its stream
    assert start(server)["session_id"] == setup["session_id"]
    with EventLines(server, "/connect/codex") as events:
        assert events.first("session")["session_id"] == setup["session_id"]
        assert events.first("auth_url") == {
            "type": "auth_url",
            "url": setup["verification_uri"],
            "user_code": setup["user_code"],
        }
        issuer.answer = "approve"
        assert events.first("done")["returncode"] == 0
    assert reaches(server, setup, "approved")["user_code"] is None
    status = server.client.get(STATUS).json()
    assert (status["authenticated"], status["is_connected"], status["email"]) == (True, True, EMAIL)
    assert status["expires_at"].startswith("2100-01-01")
    wait_for_state(server, "codex", "ready")
    [agent] = server.client.get("/api/agents").json()["agents"]
    assert (agent["id"], agent["backend"]) == ("codex-default", "codex")
    assert server.client.get("/api/agents/codex-default").json()["config_entry"] == {}
    assert server.client.delete("/api/agents/codex-default").status_code == 409
    eventually(lambda: server.descendants() == [], 15, "no process is left")
    assert REFRESH_TOKEN not in server.log + json.dumps(events.events)
    file = server.home / ".codex" / "auth.json"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("app_server", [True, False])
@pytest.mark.parametrize(("answer", "status"), [("deny", "denied"), ("fail", "failed")])
def test_a_sign_in_that_is_refused_says_so(
    server: LiveServer, issuer: DeviceIssuer, answer: str, status: str, app_server: bool
) -> None:
    configure(server, app_server=app_server)
    setup = start(server)
    issuer.answer = answer
    ended = reaches(server, setup, status)
    assert ended["error"]
    assert server.client.get(STATUS).json()["authenticated"] is False
    assert server.client.get("/api/agents").json() == {"agents": []}
    assert start(server)["session_id"] != setup["session_id"]


@pytest.mark.parametrize("app_server", [True, False])
def test_an_issuer_that_fails_at_once_is_an_upstream_fault(
    server: LiveServer, issuer: DeviceIssuer, app_server: bool
) -> None:
    configure(server, app_server=app_server)
    issuer.starts_with = 503
    answer = server.client.post(START, headers=JSON)
    assert answer.status_code == 502
    assert "503" in answer.json()["detail"]["error"]


def test_a_codex_that_dies_ends_the_sign_in(server: LiveServer) -> None:
    configure(server, app_server=False, end=1)
    setup = start(server)
    assert reaches(server, setup, "failed")["error"]


def test_cancelling_ends_codex_and_what_it_started(server: LiveServer) -> None:
    configure(server, child=True)
    setup = start(server)
    assert server.descendants()
    flow = server.client.delete(f"/api/runtimes/codex/sign-in/{setup['session_id']}").json()
    assert flow["state"] == "cancelled"
    assert read(server, setup)["status"] == "cancelled"
    eventually(lambda: server.descendants() == [], 15, "no process is left")


def test_a_client_that_leaves_does_not_end_the_sign_in(
    server: LiveServer, issuer: DeviceIssuer
) -> None:
    with httpx.stream("POST", server.base_url + START, timeout=30, trust_env=False) as response:
        first = next(response.iter_lines())
    session = json.loads(first.removeprefix("data: "))
    issuer.answer = "approve"
    reaches(server, session, "approved")


def test_an_unknown_sign_in_is_not_found(server: LiveServer) -> None:
    assert server.client.get(f"{START}/unknown").status_code == 404


@pytest.mark.parametrize("body", [{"install": "yes"}, {"install": 1}, [], "x", {"install": [True]}])
def test_a_malformed_request_is_refused(server: LiveServer, body: object) -> None:
    for path in (START, "/connect/codex"):
        answer = server.client.post(path, json=body, headers=JSON)
        assert answer.status_code == 400, answer.text
        assert server.client.get("/api/runtimes/codex/sign-in").json()["flow"] is None


def test_a_killed_server_leaves_a_clear_state_and_no_program(issuer: DeviceIssuer) -> None:
    issuer.answer = "pending"
    with LiveServer(environment=settings(issuer)) as server:
        setup = start(server)
        before = server.descendants()
        assert before
        server.kill()
        server.start()
        eventually(lambda: not any(each.is_alive for each in before), 15, "no program is left")
        ended = read(server, setup)
        assert ended["status"] == "failed"
        assert "restarted" in str(ended["error"])
        assert start(server)["session_id"] != setup["session_id"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An npm package whose `codex` is the fake."""
    script = f'#!/bin/sh\nexec {FAKE_CLI} "$@"\n'
    manifest = json.dumps({"name": "fake-codex", "version": "1.0.0", "bin": {"codex": "codex"}})
    path = tmp_path / "fake-codex-1.0.0.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text, mode in (("package.json", manifest, 0o644), ("codex", script, 0o755)):
            info = tarfile.TarInfo(f"package/{name}")
            info.size, info.mode = len(text), mode
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def test_nothing_is_installed_unless_it_is_asked_for(
    issuer: DeviceIssuer, package: Path, tmp_path: Path
) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm")
    issuer.answer = "approve"
    # a PATH with npm and without codex
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("npm", "node", "sh", "env"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "python3").symlink_to(sys.executable)
    environment = settings(
        issuer, CODEX_CLI_PATH="", CODEX_PACKAGE=f"file:{package}", PATH=str(tools)
    )
    with LiveServer(environment=environment) as server:
        answer = server.client.post(START, headers=JSON)
        assert answer.status_code == 503
        assert '"install": true' in answer.json()["detail"]["error"]
        folder = server.state / "plugins" / "runtime_codex"
        assert list(folder.glob("codex-cli*")) == []
        with EventLines(server, START, {"install": True}) as events:
            assert events.first("installing")["package"] == f"file:{package}"
            assert events.first("done")["returncode"] == 0, events.events[-4:]
        assert any("added 1 package" in str(line) for line in events.texts("install_log"))
        assert [each.name for each in folder.iterdir()] == ["codex-cli"]
        assert folder.stat().st_mode & 0o077 == 0
        assert server.client.get(STATUS).json()["email"] == EMAIL
        wait_for_state(server, "codex", "ready")
        health = server.client.get("/health").json()["runtimes"]["codex"]
        assert health["binary"].startswith(str(folder))


def test_an_installation_that_fails_leaves_nothing(issuer: DeviceIssuer, tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("there is no npm")
    missing = tmp_path / "missing.tgz"
    environment = settings(
        issuer, CODEX_CLI_PATH="", CODEX_PACKAGE=f"file:{missing}", PATH=_path_without_codex()
    )
    with LiveServer(environment=environment) as server:
        answer = server.client.post(START, json={"install": True}, headers=JSON, timeout=60)
        assert answer.status_code in {202, 502}
        if answer.status_code == 202:
            reaches(server, answer.json(), "failed")
        folder = server.state / "plugins" / "runtime_codex"
        assert list(folder.iterdir()) == []


def _path_without_codex() -> str:
    npm = str(shutil.which("npm"))
    return f"{Path(npm).parent}:/usr/bin:/bin"
