"""The state of the full-text index, per workspace (contract §6)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.answers import expect_error, get_json
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

URL = "/api/fts/index"
IDLE = {"status": "idle", "progress": 100}


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "runtime_demo"}) as running:
        yield running


def idle(server: LiveServer, workspace: str) -> Any:
    """Return the state once no scan runs."""
    url = f"{URL}/{workspace}"
    eventually(lambda: get_json(server, url)["status"] == "idle", 20, "the index is idle")
    return get_json(server, url)


@pytest.mark.parametrize("style", ["docs", "spa"])
def test_the_counts_are_those_of_the_workspace(server: LiveServer, style: str) -> None:
    server.client.headers["X-XO-Wire"] = style
    project = f"counted-{style}"
    chat = Chat(server, "demo", project)
    first = chat.run_turn("echo one")
    chat.run_turn("echo two", session_id=first.session_id)
    rescan = server.client.post(f"{URL}/{project}")
    assert rescan.status_code == 200, rescan.text
    assert rescan.json()["status"] in {"idle", "indexing"}
    wanted = {**IDLE, "sessions": 1, "messages": 4}
    eventually(lambda: idle(server, project) == wanted, 20, "the index has the session")
    # a project is found by its path, too
    assert idle(server, str(server.projects / project)) == wanted
    everything = idle(server, "all")
    assert (everything["sessions"] >= 1, everything["messages"] >= 4) == (True, True)


@pytest.mark.parametrize("workspace", ["nope", "x" * 3000, "a%00b", "%20", "..", "a%0Ab"])
def test_a_workspace_without_sessions_has_none(server: LiveServer, workspace: str) -> None:
    for method in ("GET", "POST"):
        answer = server.client.request(method, f"{URL}/{workspace}")
        if answer.status_code == 200:
            assert (answer.json()["sessions"], answer.json()["messages"]) == (0, 0)
        else:
            expect_error(answer, answer.status_code)
            assert answer.status_code in {400, 404, 405}
