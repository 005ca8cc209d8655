"""Projects over HTTP: list, tree, usage, roots (contract §4)."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import expect_error, get_json
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

NOT_A_PROJECT = [
    b'"a string"',
    b'["a", "list"]',
    b'{"display_name": 5, "description": [], "created_at": {}}',
    b'{"torn": ',
    b"\xff\xfe",
    b"null",
    b"",
    b'{"a":' * 300 + b"1" + b"}" * 300,
]


def get(server: LiveServer, path: str, **query: Any) -> Any:
    return get_json(server, f"/api/xo-projects{path}", **query)


def row(server: LiveServer, project_id: str) -> dict[str, Any]:
    body = get(server, "")
    assert body["total"] == len(body["items"])
    return next(item for item in body["items"] if item["id"] == project_id)


def test_a_scaffolded_project_is_listed_with_its_name(server: LiveServer) -> None:
    body = {
        "path": str(server.projects / "Näme 1"),
        "scaffold": True,
        "display_name": "Näme",
        "description": "Two\nlines",
    }
    assert server.client.post("/api/files/mkdir", json=body).status_code == 200
    found = row(server, "n-me-1")
    assert found.pop("created_at")
    assert found == {
        "id": "n-me-1",
        "display_name": "Näme",
        "description": "Two\nlines",
        "unscaffolded": False,
    }


def test_folders_without_a_scaffold_are_listed_and_hidden_ones_and_links_are_not(
    server: LiveServer, tmp_path: Path
) -> None:
    (server.projects / "Plain Folder").mkdir()
    (server.projects / ".hidden").mkdir()
    (server.projects / "a-file").write_text("x")
    (server.projects / "a-link").symlink_to(tmp_path)
    assert row(server, "Plain Folder") == {
        "id": "Plain Folder",
        "display_name": "Plain Folder",
        "description": "",
        "created_at": None,
        "unscaffolded": True,
    }
    listed = {item["id"] for item in get(server, "")["items"]}
    assert not listed & {".hidden", "a-file", "a-link"}
    expect_error(server.client.get("/api/xo-projects/a-link/tree"), 404)


@pytest.mark.parametrize("body", NOT_A_PROJECT)
def test_a_broken_card_hides_no_project(server: LiveServer, project: Path, body: bytes) -> None:
    (project / ".xo" / "project.json").write_bytes(body)
    assert row(server, project.name)["display_name"] == project.name


@pytest.mark.parametrize("name", ["todos.json", "activity.json", "timeline.jsonl", "stats.json"])
@pytest.mark.parametrize("body", NOT_A_PROJECT)
def test_broken_files_break_no_route(
    server: LiveServer, project: Path, name: str, body: bytes
) -> None:
    (project / ".xo" / name).write_bytes(body)
    for route in ("todos", "timeline", "activity", "usage", "tree"):
        get(server, f"/{project.name}/{route}")
    answer = server.client.post(f"/api/xo-projects/{project.name}/todos", json={"content": "x"})
    assert answer.status_code == 201, answer.text
    assert server.client.get("/api/sessions").status_code == 200


@pytest.mark.parametrize("what", ["link", "folder"])
def test_a_link_or_folder_in_a_files_place_is_neither_read_nor_written(
    server: LiveServer, project: Path, tmp_path: Path, what: str
) -> None:
    file = project / ".xo" / "todos.json"
    file.unlink(missing_ok=True)
    outside = tmp_path / "outside.json"
    outside.write_text('{"sessions": {"_project": {"todos": [{"id": "1", "content": "secret"}]}}}')
    before = outside.read_text()
    file.symlink_to(outside) if what == "link" else file.mkdir()
    assert get(server, f"/{project.name}/todos") == {"todos": []}
    url = f"/api/xo-projects/{project.name}/todos"
    assert server.client.post(url, json={"content": "x"}).status_code == 201
    assert [todo["content"] for todo in get(server, f"/{project.name}/todos")["todos"]] == ["x"]
    assert outside.read_text() == before
    assert file.is_file() and not file.is_symlink()
    file.unlink()


def test_a_link_in_the_place_of_xo_leads_nowhere(server: LiveServer, tmp_path: Path) -> None:
    (server.projects / "stolen").mkdir()
    (server.projects / "stolen" / ".xo").symlink_to(tmp_path)
    assert get(server, "/stolen/todos") == {"todos": []}
    expect_error(server.client.post("/api/xo-projects/stolen/todos", json={"content": "x"}), 503)
    assert list(tmp_path.iterdir()) == []


def test_a_tree_shows_one_level_without_dotfiles(server: LiveServer, project: Path) -> None:
    (project / "src" / "Inner").mkdir(parents=True)
    (project / "src" / "b.py").write_text("")
    (project / "src" / "A.py").write_text("")
    (project / "src" / ".env").write_text("KEY=1")
    top = get(server, f"/{project.name}/tree")
    assert top["project_id"] == project.name
    assert top["relative_path"] == ""
    assert top["parent_relative_path"] is None
    assert [item["name"] for item in top["dirs"]] == ["memory", "src"]
    assert {"name": "AGENTS.md", "relative_path": "AGENTS.md"} in top["files"]
    below = get(server, f"/{project.name}/tree", relative_path="src")
    assert below["parent_relative_path"] == ""
    assert below["dirs"] == [{"name": "Inner", "relative_path": "src/Inner"}]
    assert [item["name"] for item in below["files"]] == ["A.py", "b.py"]
    deep = get(server, f"/{project.name}/tree", relative_path="src/Inner/")
    assert (deep["relative_path"], deep["parent_relative_path"]) == ("src/Inner", "src")


def test_links_in_a_tree_count_only_inside_the_project(
    server: LiveServer, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside.txt").write_text("x")
    (project / "inner").mkdir()
    (project / "in-link").symlink_to(project / "inner")
    (project / "out-link").symlink_to(tmp_path)
    (project / "out-file").symlink_to(tmp_path / "outside.txt")
    (project / "gone").symlink_to(project / "nothing")
    (project / ".hidden" / "in").mkdir(parents=True)
    (project / "hidden-link").symlink_to(".hidden/in")
    (project / "hidden-file").symlink_to(".xo/project.json")
    top = get(server, f"/{project.name}/tree")
    names = {item["name"] for item in top["dirs"] + top["files"]}
    assert {"inner", "in-link"} <= names
    assert not names & {"out-link", "out-file", "gone", "hidden-link", "hidden-file"}
    answer = server.client.get(f"/api/xo-projects/{project.name}/tree?relative_path=hidden-link")
    expect_error(answer, 404)
    assert get(server, f"/{project.name}/tree", relative_path="in-link")["dirs"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("..", 403),
        ("memory/../..", 403),
        ("memory/../../other", 403),
        ("/etc", 400),
        ("~", 400),
        ("a\0b", 400),
        (".xo", 404),
        ("memory/.hidden", 404),
        ("nothing", 404),
        ("AGENTS.md", 404),
        ("x" * 5000, 400),
        ("out-link", 403),
        ("out-link/deeper", 403),
    ],
)
def test_a_tree_stays_in_its_project(
    server: LiveServer, project: Path, tmp_path: Path, path: str, status: int
) -> None:
    link = project / "out-link"
    if not link.is_symlink():
        link.symlink_to(tmp_path.parent)
    url = f"/api/xo-projects/{project.name}/tree"
    expect_error(server.client.get(url, params={"relative_path": path}), status)


@pytest.mark.parametrize("name", ["nope", "..%2f..", "%2e%2e", ".xo", "a%00b", "x" * 300])
@pytest.mark.parametrize("route", ["tree", "todos", "timeline", "activity", "usage"])
def test_an_unknown_project_is_refused(server: LiveServer, name: str, route: str) -> None:
    answer = server.client.get(f"/api/xo-projects/{name}/{route}")
    assert answer.status_code in {400, 404}, answer.text
    assert answer.json()["detail"]


def test_usage_counts_the_projects_own_turns(server: LiveServer, project: Path) -> None:
    turn = Chat(server, "demo", project.name).run_turn("tools")
    Chat(server, "demo", "another").run_turn("tools")
    eventually(
        lambda: get(server, f"/{project.name}/usage", days=7)["total_sessions"], 10, "it is counted"
    )
    body = get(server, f"/{project.name}/usage", days=7)
    assert [row["session_id"] for row in body["by_session"]] == [turn.session_id]
    tokens = turn.terminal.data["tokens"]
    assert body["total_tokens"] == tokens
    assert (body["window_days"], len(body["daily"])) == (7, 7)
    for days in ("x", "1.5", "1e3"):
        url = f"/api/xo-projects/{project.name}/usage"
        expect_error(server.client.get(url, params={"days": days}), 400)


def test_every_runtime_has_its_projects_root(server: LiveServer) -> None:
    body = server.client.get("/api/config/workspace").json()
    assert body["roots"]["demo"] == body["roots"][body["default"]] == str(server.projects)


def test_no_folder_that_is_there_is_scaffolded(server: LiveServer) -> None:
    folder = server.projects / "begun"
    folder.mkdir()
    for content in ({}, {"PLAN.md": "mine"}):
        for name, text in content.items():
            (folder / name).write_text(text)
        body = {"path": str(folder), "scaffold": True, "display_name": "Begun"}
        answer = server.client.post("/api/files/mkdir", json=body)
        assert (answer.status_code, answer.json()) == (409, {"detail": "Already exists"})
        assert sorted(child.name for child in folder.iterdir()) == sorted(content)
    assert row(server, "begun")["unscaffolded"] is True
