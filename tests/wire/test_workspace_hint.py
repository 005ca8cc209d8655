"""The folder that a client sends with each prompt is a hint: it never blocks a chat."""

import shutil
from typing import Any

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer

DEMO = {"text": "text", "agent_name": "demo"}


def started(server: LiveServer, **fields: Any) -> dict[str, Any]:
    answer = server.client.post("/api/chat/prompt", json={**DEMO, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("folder", ["/etc", "~/../../etc", "~/gone", "relative", "C:\\work", "~x"])
def test_a_folder_that_cannot_be_used_counts_as_not_sent(server: LiveServer, folder: str) -> None:
    turn = started(server, workspace=folder)
    assert (turn["agent_id"], turn["directory"]) == (None, str(server.projects))
    row = server.client.get(f"/api/sessions/{turn['session_id']}").json()
    assert (row["agent_id"], row["directory"]) == (None, str(server.projects))


def test_a_link_out_of_the_home_folder_counts_as_not_sent(server: LiveServer) -> None:
    outside = server.home.with_name("outside")
    outside.mkdir()
    for link in (server.home / "out", server.projects / "out"):
        link.symlink_to(outside)
        turn = started(server, workspace=str(link))
        assert (turn["agent_id"], turn["directory"]) == (None, str(server.projects))


@pytest.mark.parametrize("name", ["Web Shop", "web-shop", "Web Shop/", "./Web  Shop"])
def test_a_path_under_the_projects_root_is_the_project_of_its_normalised_name(
    server: LiveServer, name: str
) -> None:
    project = server.projects / "web-shop"
    shutil.rmtree(project, ignore_errors=True)
    for _ in range(2):
        turn = started(server, workspace=f"{server.projects}/{name}")
        assert (turn["agent_id"], turn["directory"]) == ("web-shop", str(project))
        assert project.is_dir()
    assert not (server.projects / "Web Shop").exists()


@pytest.mark.parametrize("name", ["日本", "...", ".xo", "a/b/c"])
def test_a_path_that_is_no_projects_name_makes_none(server: LiveServer, name: str) -> None:
    before = {path.name for path in server.projects.iterdir()}
    turn = started(server, workspace=f"{server.projects}/{name}")
    assert (turn["agent_id"], turn["directory"]) == (None, str(server.projects))
    names = {path.name for path in server.projects.iterdir()}
    assert names - {".xo"} == before - {".xo"}


def test_an_agent_id_is_normalised_unless_its_folder_exists(server: LiveServer) -> None:
    (server.projects / "By Hand").mkdir()
    for name, folder in (("By Hand", "By Hand"), ("Rose Garden", "rose-garden")):
        turn = started(server, agent_id=name)
        assert (turn["agent_id"], turn["directory"]) == (folder, str(server.projects / folder))


def test_a_session_stays_where_it_is_whatever_folder_is_sent(server: LiveServer) -> None:
    (server.projects / "home-of-it").mkdir()
    (server.projects / "another").mkdir()
    first = started(server, agent_id="home-of-it")
    chat = Chat(server, "demo")
    with chat.stream(first["stream_id"]) as stream:
        stream.rest()
    for folder in (str(server.projects / "another"), "/etc", "~/gone", "relative"):
        turn = started(server, session_id=first["session_id"], workspace=folder)
        assert turn["directory"] == first["directory"]
        assert (turn["session_id"], turn["agent_id"]) == (first["session_id"], "home-of-it")
        with chat.stream(turn["stream_id"]) as stream:
            stream.rest()


def test_an_edit_ignores_the_folder_and_says_where_it_runs(chat: Chat) -> None:
    first = chat.run_turn("echo first")
    message = chat.messages(first.session_id)[0]["id"]
    body = {**DEMO, "session_id": first.session_id, "message_id": message, "workspace": "/Users/x"}
    answer = chat.http.post("/api/chat/edit", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["directory"] == str(chat.folder)
    assert answer.json()["agent_id"] == chat.folder.name


def test_a_reserved_session_without_a_folder_takes_that_of_its_first_prompt(
    server: LiveServer,
) -> None:
    (server.projects / "reserved").mkdir()
    folder = str(server.projects / "reserved")
    for body, wanted in (({}, folder), ({"agent_id": "another"}, str(server.projects / "another"))):
        session = server.client.post("/api/sessions", json={"agent_name": "demo", **body}).json()
        turn = started(server, session_id=session["id"], workspace=folder)
        assert (turn["session_id"], turn["directory"]) == (session["id"], wanted)
