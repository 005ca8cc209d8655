"""Sign-ins of a runtime over HTTP: every route of `/api/runtimes/{name}/sign-in`."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from xo_cowork_core.sdk.testing import LiveServer, eventually

PATH = "/api/runtimes/acme/sign-in"
URL = "https://acme.test/login?opaque-_/+=%2F"


@pytest.fixture(autouse=True)
def no_open_sign_in(server: LiveServer) -> Iterator[None]:
    """End the sign-in that a test left open."""
    yield
    flow = server.client.get(PATH).json()["flow"]
    if flow:
        server.client.delete(f"{PATH}/{flow['flow_id']}")
    for file in (server.home / "approved", server.state / "env"):
        file.unlink(missing_ok=True)


def start(server: LiveServer, **body: object) -> dict[str, Any]:
    answer = server.client.post(PATH, json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


def submit(server: LiveServer, flow: dict[str, Any], text: object) -> httpx.Response:
    return server.client.post(f"{PATH}/{flow['flow_id']}/input", json={"input": text})


def reaches(server: LiveServer, flow: dict[str, Any], state: str) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        return server.client.get(f"{PATH}/{flow['flow_id']}").json()

    eventually(lambda: read()["state"] == state, 30, f"the flow is {state}")
    return read()


def test_a_program_signs_in_and_the_runtime_keeps_the_token(server: LiveServer) -> None:
    flow = start(server)
    assert (flow["runtime"], flow["kind"], flow["authorize_url"]) == ("acme", "command", URL)
    # by another name of the runtime
    again = server.client.post("/api/runtimes/acme-cli/sign-in").json()
    assert again["flow_id"] == flow["flow_id"]
    assert submit(server, flow, " a/+=%2F#state \n").status_code == 200
    ended = reaches(server, flow, "completed")
    assert ended["account"]["email"] == "ada@example.test"
    assert "a/+=%2F#state" in (server.state / "env").read_text()
    assert (server.state / "env").stat().st_mode & 0o777 == 0o600
    assert submit(server, flow, "a/+=%2F#state").json()["state"] == "completed"
    assert submit(server, flow, "other#state").status_code == 409


def test_a_key_is_stored_or_refused(server: LiveServer) -> None:
    refused = server.client.post(PATH, json={"method": "api_key", "input": "key-refused"}).json()
    assert (refused["state"], refused["error"]["code"]) == ("awaiting_user", "invalid_key")
    answer = submit(server, refused, "key-good12345")
    assert reaches(server, refused, "completed")
    assert "key-good12345" not in answer.text + server.log


def test_the_code_of_a_plugin_signs_in_and_its_processes_end(server: LiveServer) -> None:
    flow = start(server, method="agent")
    assert (flow["user_code"], flow["authorize_url"]) == ("AB-12", "https://acme.test/device")
    assert not flow["needs_input"]
    assert submit(server, flow, "text").status_code == 409
    (server.home / "approved").touch()
    reaches(server, flow, "completed")
    eventually(lambda: server.descendants() == [], 10, "no process is left")


@pytest.mark.parametrize(
    ("method", "status", "words"),
    [
        ("raising", 502, "failed in the server"),
        ("wrong", 502, "without a sign-in"),
        ("silent", 503, "in time"),
        ("absent", 503, "get acme"),
    ],
)
def test_a_sign_in_that_can_not_start_says_why(
    server: LiveServer, method: str, status: int, words: str
) -> None:
    answer = server.client.post(PATH, json={"method": method}, timeout=30)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]["error"]
    assert "planted-detail" not in answer.text
    assert server.client.get(PATH).json()["flow"] is None


def test_cancelling_ends_the_program_and_all_that_it_started(server: LiveServer) -> None:
    flow = start(server)
    eventually(lambda: len(server.descendants()) >= 2, 15, "the program and its child run")
    path = f"{PATH}/{flow['flow_id']}"
    assert server.client.delete(path).json()["state"] == "cancelled"
    eventually(lambda: server.descendants() == [], 15, "no process is left")
    assert server.client.delete(path).json()["state"] == "cancelled"
    assert submit(server, flow, "a#b").status_code == 409


def test_another_sign_in_takes_the_place_of_an_open_one_by_force_alone(server: LiveServer) -> None:
    flow = start(server)
    assert start(server, method="agent")["flow_id"] == flow["flow_id"]
    other = start(server, method="agent", force=True)
    assert other["flow_id"] != flow["flow_id"]
    assert reaches(server, flow, "cancelled")["error"]["code"] == "superseded"


@pytest.mark.parametrize(
    "body",
    [
        {"method": 5},
        {"method": ""},
        {"method": "no such"},
        {"method": "x" * (1 << 16)},
        {"force": "yes"},
        {"input": 5},
        {"input": "a\0b"},
        {"input": "x" * (1 << 16)},
        [],
        "text",
    ],
)
def test_a_malformed_start_is_refused(server: LiveServer, body: object) -> None:
    answer = server.client.post(PATH, json=body)
    assert answer.status_code == 400, answer.text
    assert server.client.get(PATH).json()["flow"] is None


@pytest.mark.parametrize(
    "text", [None, 5, "", "a\0#b", "no-state", "x" * (1 << 17), ["a#b"], "a#b\u2028c", "\n"]
)
def test_a_malformed_text_is_refused_and_the_sign_in_goes_on(
    server: LiveServer, text: object
) -> None:
    flow = start(server)
    answer = submit(server, flow, text)
    assert answer.status_code == 400, answer.text
    assert start(server)["flow_id"] == flow["flow_id"]


def test_a_body_of_a_megabyte_is_too_large(server: LiveServer) -> None:
    content = json.dumps({"input": "x" * (1 << 20)})
    headers = {"content-type": "application/json"}
    assert server.client.post(PATH, content=content, headers=headers).status_code == 413


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_runtime_is_not_found(server: LiveServer, method: str) -> None:
    answer = server.client.request(method, "/api/runtimes/nobody/sign-in")
    assert answer.status_code == 404


def test_an_unknown_sign_in_is_not_found(server: LiveServer) -> None:
    for method in ("GET", "DELETE"):
        assert server.client.request(method, f"{PATH}/unknown").status_code == 404
    assert submit(server, {"flow_id": "unknown"}, "a#b").status_code == 404
