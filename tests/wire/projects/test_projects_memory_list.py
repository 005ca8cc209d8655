"""Workspace memory: what empties it, and the list over all projects (contract §6)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.answers import expect_error, get_json
from xo_cowork_core.sdk.testing import LiveServer

URL = "/api/workspace-memory"
FACTS = "project-facts.md"


@pytest.fixture
def semantic(project: Path) -> Path:
    """Where that project keeps its memory."""
    return project / "memory" / "semantic"


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "none"}) as running:
        yield running


def delete(server: LiveServer, body: Any = None, **query: str) -> httpx.Response:
    content = None if body is None else json.dumps(body)
    headers = {"Content-Type": "application/json"}
    return server.client.request("DELETE", URL, params=query, content=content, headers=headers)


def row_of(server: LiveServer, project: Path) -> Any:
    rows = get_json(server, f"{URL}/list")
    return next(row for row in rows if row["project_id"] == project.name)


@pytest.mark.parametrize("place", ["query", "body"])
@pytest.mark.parametrize("name", ["workspace", "workspace_path"])
@pytest.mark.parametrize("style", ["docs", "spa"])
def test_emptying_leaves_the_other_files(
    server: LiveServer, project: Path, semantic: Path, place: str, name: str, style: str
) -> None:
    (semantic / FACTS).write_text("all that is known")
    others = {file: file.read_text() for file in semantic.iterdir() if file.name != FACTS}
    server.client.headers["X-XO-Wire"] = style
    target = {name: str(project)}
    answer = delete(server, **target) if place == "query" else delete(server, target)
    assert answer.status_code == 200, answer.text
    assert answer.json()["workspace_path"] == str(project)
    assert "all that is known" not in answer.json()["memory"] == answer.json()["content"]
    assert (semantic / FACTS).read_text() == ""
    assert {file: file.read_text() for file in others} == others


def test_emptying_what_is_not_there_makes_nothing(server: LiveServer, project: Path) -> None:
    (project / "memory" / "semantic" / FACTS).unlink()
    assert delete(server, workspace=project.name).status_code == 200
    assert not (project / "memory" / "semantic" / FACTS).exists()
    bare = server.projects / "bare-folder"
    bare.mkdir()
    answer = delete(server, workspace="bare-folder")
    assert answer.json()["memory"] == ""
    assert not (bare / "memory").exists()


def test_a_link_in_the_place_of_the_facts_is_not_followed(
    server: LiveServer, project: Path, semantic: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    (semantic / FACTS).unlink()
    (semantic / FACTS).symlink_to(secret)
    assert "secret" not in row_of(server, project)["memory"]
    assert delete(server, workspace=project.name).status_code == 200
    assert secret.read_text() == "secret"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ({}, 400),
        ({"workspace": ""}, 400),
        ({"workspace": "nope"}, 404),
        ({"workspace": "/etc"}, 403),
        ({"workspace": "~"}, 400),
        ({"workspace": ".."}, 400),
        ({"workspace": "a\0b"}, 400),
        ({"workspace": "x" * (1 << 20)}, 400),
        ({"workspace": 5}, 400),
        ({"workspace_path": ["a"]}, 400),
        ([], 400),
        ("text", 400),
    ],
    ids=lambda target: str(target)[:30],
)
def test_a_wrong_target_is_refused(server: LiveServer, target: Any, status: int) -> None:
    expect_error(delete(server, target), status)


def test_the_list_has_a_row_for_each_project(
    server: LiveServer, project: Path, semantic: Path
) -> None:
    for file in semantic.iterdir():
        file.unlink()
    (semantic / FACTS).write_text("fact")
    (semantic / "constraints.md").write_text("constraint\n")
    (semantic / "notes.txt").write_text("no")
    (server.projects / "without-memory").mkdir(exist_ok=True)
    assert (
        row_of(server, project).items()
        >= {
            "workspace_path": str(project),
            "memory": "fact\nconstraint\n",
            "content": "fact\nconstraint\n",
            "size": 15,
        }.items()
    )
    assert row_of(server, project)["time_updated"]
    empty = row_of(server, server.projects / "without-memory")
    assert (empty["memory"], empty["size"], empty["time_updated"]) == ("", 0, None)
    names = [row["project_id"] for row in get_json(server, f"{URL}/list")]
    assert names == sorted(names)


def test_of_a_large_memory_the_list_has_the_beginning(
    server: LiveServer, project: Path, semantic: Path
) -> None:
    (semantic / FACTS).write_text("x" * 3_000_000)
    row = row_of(server, project)
    assert row["size"] > 3_000_000
    assert len(row["memory"]) < 5_000


def test_a_project_that_cannot_be_read_hides_no_other(server: LiveServer, project: Path) -> None:
    link = server.projects / "linked"
    link.symlink_to("/etc")
    file = server.projects / "file"
    file.write_text("x")
    try:
        (project / "memory").rename(project / "memory-before")
        (project / "memory").write_text("no folder")
        row = row_of(server, project)
        assert row["memory"] == ""
        ids = {row["project_id"] for row in get_json(server, f"{URL}/list")}
        assert not {"linked", "file"} & ids
    finally:
        link.unlink()
        file.unlink()
