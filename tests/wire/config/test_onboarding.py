"""Onboarding, kept in `state.json` (contract §6)."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import expect_error, get_json
from xo_cowork_core.sdk.testing import LiveServer, eventually

URL = "/api/onboarding"
DONE = "/api/onboarding/complete"
EARLIER = "2026-01-31T09:30:00.000+00:00"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def shared() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "none"}) as running:
        yield running


@pytest.fixture
def server(shared: LiveServer) -> LiveServer:
    """A server whose onboarding has not begun: the file is read at each request."""
    for file in shared.state.glob("state.json*"):
        file.unlink()
    return shared


def file_of(server: LiveServer) -> Path:
    return server.state / "state.json"


def stored(server: LiveServer) -> Any:
    return json.loads(file_of(server).read_text())


@pytest.mark.parametrize("style", ["docs", "spa"])
def test_a_new_server_is_not_completed_until_a_person_says_so(
    server: LiveServer, style: str
) -> None:
    server.client.headers["X-XO-Wire"] = style
    before = get_json(server, URL)
    assert before["onboarding_completed"] is before["completed"] is False
    assert before["completed_at"] is None
    assert before["onboarding_step"] == "start"
    assert server.client.post(DONE).json() == {"ok": True}
    after = get_json(server, URL)
    assert after["onboarding_completed"] is after["completed"] is True
    assert after["onboarding_step"] == "completed"
    assert after["first_run_at"] == before["first_run_at"] <= after["completed_at"]
    assert file_of(server).stat().st_mode & 0o777 == 0o600


def test_the_first_start_is_recorded_without_a_request_and_never_again() -> None:
    started = datetime.now(UTC) - timedelta(seconds=1)
    with LiveServer(environment={"XO_PLUGINS": "none"}) as server:
        eventually(file_of(server).exists, 10, "state.json")
        first = stored(server)["first_run_at"]
        assert started <= datetime.fromisoformat(first) <= datetime.now(UTC)
        server.client.post(DONE, json={"onboarding_step": "first-prompt"})
        before = get_json(server, URL)
        server.restart()
        assert get_json(server, URL) == before
        assert before["first_run_at"] == first
        assert before["onboarding_step"] == "first-prompt"


def test_a_repeat_keeps_the_time_of_the_first(server: LiveServer) -> None:
    server.client.post(DONE)
    first = stored(server)
    for body in (b"", b"{}", b"null"):
        assert server.client.post(DONE, content=body).json() == {"ok": True}
    assert stored(server) == first


def test_twenty_completions_at_once_leave_one_whole_file(server: LiveServer) -> None:
    def complete(number: int) -> int:
        return server.client.post(DONE, json={"onboarding_step": f"s{number}"}).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(complete, range(20))) == {200}
    found = get_json(server, URL)
    assert found["completed"] is True
    assert found["onboarding_step"] in {f"s{number}" for number in range(20)}
    assert [file.name for file in server.state.glob("*state.json*")] == ["state.json"]


@pytest.mark.parametrize(
    "body",
    [
        {"onboarding_step": 5},
        {"onboarding_step": True},
        {"onboarding_step": ""},
        {"onboarding_step": ["a"]},
        {"onboarding_step": "x" * (1 << 20)},
        {"onboarding_step": "\ud800"},
        {"onboarding_step": "a\0b"},
        {"onboarding_step": "a\nb"},
        {"onboarding_step": "a\u2028b"},
        [],
        "text",
        5,
    ],
    ids=lambda body: json.dumps(body)[:30],
)
def test_a_wrong_body_is_refused_and_nothing_is_completed(server: LiveServer, body: Any) -> None:
    answer = server.client.post(DONE, content=json.dumps(body), headers=JSON)
    expect_error(answer, 400)
    assert get_json(server, URL)["completed"] is False


def test_the_file_of_an_earlier_server_is_upgraded_and_keeps_its_other_keys(
    server: LiveServer,
) -> None:
    earlier = {"onboarding_completed": True, "onboarding_completed_at": EARLIER, "theme": "dark"}
    file_of(server).write_text(json.dumps(earlier))
    found = get_json(server, URL)
    assert (found["completed"], found["completed_at"]) == (True, EARLIER)
    assert found["first_run_at"] == EARLIER
    upgraded = stored(server)
    assert earlier.items() <= upgraded.items()
    assert upgraded["version"] == 1
    assert not list(server.state.glob("state.json.*"))


def test_the_file_of_a_newer_server_is_read_and_kept_when_it_would_be_changed(
    server: LiveServer,
) -> None:
    newer = {"version": 7, "onboarding_completed": False, "first_run_at": EARLIER, "more": [1]}
    file_of(server).write_text(json.dumps(newer))
    found = get_json(server, URL)
    assert (found["completed"], found["first_run_at"]) == (False, EARLIER)
    assert stored(server) == newer
    server.client.post(DONE)
    (kept,) = server.state.glob("state.json.*")
    assert json.loads(kept.read_text()) == newer
    assert stored(server)["version"] == 1
    assert get_json(server, URL)["first_run_at"] == EARLIER


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"onboarding_completed": tr',
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"onboarding_completed": "yes"}',
        b'{"onboarding_completed": true, "onboarding_completed_at": 5}',
        b'{"first_run_at": "yesterday"}',
        b'{"first_run_at": "0001-01-01T00:00:00+14:00"}',
        b'{"version": "one"}',
        b'{"version": true}',
        b'{"other": "\\ud800"}',
    ],
    ids=lambda content: repr(content[:40]),
)
def test_a_damaged_file_is_renamed_and_the_onboarding_begins_anew(
    server: LiveServer, content: bytes
) -> None:
    file_of(server).write_bytes(content)
    assert get_json(server, URL)["completed"] is False
    (kept,) = server.state.glob("state.json.broken-*")
    assert kept.read_bytes() == content
    assert server.client.post(DONE).json() == {"ok": True}
    assert get_json(server, URL)["completed"] is True
    assert len(list(server.state.glob("state.json.*"))) == 1


def test_a_folder_in_the_place_of_the_file_is_renamed_too(server: LiveServer) -> None:
    file_of(server).mkdir()
    assert server.client.post(DONE).json() == {"ok": True}
    (kept,) = server.state.glob("state.json.broken-*")
    kept.rmdir()
