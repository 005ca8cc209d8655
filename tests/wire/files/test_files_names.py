"""Names that JSON cannot hold, on every route that takes a path."""

import os
from collections.abc import Iterator

import pytest

from tests.support.file_traps import ROUTES
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


def asked(server: LiveServer, path: str) -> set[int]:
    """Name a place in every way in which turns and sessions may lie there."""
    chat = Chat(server, "demo")
    answers = [
        chat.send("text", workspace=path),
        chat.send("text", attachments=[{"path": path}]),
        server.client.post("/api/sessions", json={"directory": path}),
        server.client.get("/api/skills", params={"workspace": path}),
        server.client.get("/api/workspace-memory", params={"workspace": path}),
    ]
    assert all(answer.json()["detail"] for answer in answers)
    return {answer.status_code for answer in answers}


def test_no_turn_lies_where_a_link_makes_a_path_too_long(server: LiveServer) -> None:
    deep = server.home
    for _ in range(14):
        deep /= "d" * 200
        deep.mkdir()
    (server.home / "deep").symlink_to(deep)
    assert asked(server, "~/deep/" + "/".join(["e" * 200] * 8)) == {400}


def test_no_turn_lies_where_the_server_may_not_go(server: LiveServer) -> None:
    shut = server.home / "shut"
    (shut / "in").mkdir(parents=True)
    shut.chmod(0)
    try:
        if os.access(shut, os.X_OK):
            pytest.skip("nothing is shut to root")
        assert asked(server, "~/shut/in") == {403}
    finally:
        shut.chmod(0o700)


def test_a_project_that_leads_to_what_json_cannot_name_is_refused(server: LiveServer) -> None:
    os.mkdir(os.path.join(os.fsencode(server.projects), ODD))  # noqa: PTH102, PTH118
    (server.projects / "odd").symlink_to(os.fsdecode(ODD))
    answer = Chat(server, "demo").send("text", agent_id="odd")
    assert answer.status_code == 400, answer.text


def test_no_turn_and_no_session_lies_there(server: LiveServer) -> None:
    assert asked(server, "~/odd_dir") == asked(server, "~/odd_file") == {400}
    rows = server.client.get("/api/sessions?limit=500").json()["sessions"]
    assert not [row for row in rows if "odd_" in str(row["directory"])]
    made = server.client.post("/api/sessions", json={}).json()["id"]
    answer = server.client.patch(f"/api/sessions/{made}", json={"directory": "~/odd_dir"})
    assert answer.status_code == 400
