"""Names that JSON cannot hold, on every route that takes a path."""

import os
from collections.abc import Iterator

import pytest

from tests.wire.files_world import ROUTES
from xo_cowork_core.sdk.testing import Chat, LiveServer

ODD = b"odd\xff"


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer() as running:
        home = os.fsencode(running.home)
        os.makedirs(os.path.join(home, ODD, b"in"))  # noqa: PTH103, PTH118  # bytes, no Path
        with open(os.path.join(home, ODD, b"in", b"f.txt"), "w") as file:  # noqa: PTH118, PTH123
            file.write("kept")
        (running.home / "odd_dir").symlink_to(os.fsdecode(ODD))
        (running.home / "odd_file").symlink_to(os.fsdecode(ODD + b"/in/f.txt"))
        yield running


def below(server: LiveServer) -> list[bytes]:
    odd = os.path.join(os.fsencode(server.home), ODD)  # noqa: PTH118
    return sorted(os.path.join(at, name) for at, _, names in os.walk(odd) for name in names)  # noqa: PTH118


@pytest.mark.parametrize("path", ["~/odd_dir", "~/odd_file", "~/odd_dir/in", "~/odd_dir/new/x"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_link_to_what_json_cannot_name_is_refused_and_changes_nothing(
    server: LiveServer, route: str, path: str
) -> None:
    before = below(server)
    answer = ROUTES[route](server, path)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]
    assert below(server) == before


def test_the_link_itself_is_listed(server: LiveServer) -> None:
    answer = server.client.post("/api/files/list-directory").json()
    assert {"odd_dir", "odd_file"} <= {item["name"] for item in answer["files"]}
    assert ODD.decode("utf-8", "surrogateescape") not in {item["name"] for item in answer["dirs"]}


def test_no_turn_and_no_session_lies_there(server: LiveServer) -> None:
    chat = Chat(server, "demo")
    before = server.client.get("/api/sessions").json()["total"]
    answers = [
        chat.send("text", workspace="~/odd_dir"),
        chat.send("text", attachments=[{"path": "~/odd_file"}]),
        server.client.post("/api/sessions", json={"directory": "~/odd_dir"}),
        server.client.get("/api/skills", params={"workspace": "~/odd_dir"}),
        server.client.get("/api/workspace-memory", params={"workspace": "~/odd_dir"}),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert server.client.get("/api/sessions").json()["total"] == before
    made = server.client.post("/api/sessions", json={}).json()["id"]
    answer = server.client.patch(f"/api/sessions/{made}", json={"directory": "~/odd_dir"})
    assert answer.status_code == 400
