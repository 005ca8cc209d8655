"""Todos of projects over HTTP (contract §4)."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.answers import expect_error, get_json
from xo_cowork_core.sdk.testing import LiveServer


def test_a_todo_is_added_changed_and_removed(server: LiveServer, project: Path) -> None:
    url = f"/api/xo-projects/{project.name}/todos"
    made = server.client.post(url, json={"content": "  Write it ", "description": None})
    assert made.status_code == 201
    todo = made.json()
    assert len(todo.pop("id")) == 8
    assert todo == {
        "content": "Write it",
        "status": "pending",
        "description": "",
        "active_form": "Write it",
        "session_id": None,
    }
    todo_url = f"{url}/{made.json()['id']}"
    change = {"status": "completed", "active_form": "Writing it"}
    changed = server.client.patch(todo_url, json=change)
    assert changed.status_code == 200
    assert changed.json() == made.json() | change
    assert get_json(server, url) == {"todos": [changed.json()]}
    timeline = get_json(server, f"/api/xo-projects/{project.name}/timeline")
    assert [event["type"] for event in timeline["events"]] == ["todo.completed", "todo.added"]
    assert server.client.delete(todo_url).json() == {"ok": True}
    expect_error(server.client.delete(todo_url), 404)
    expect_error(server.client.patch(todo_url, json=change), 404)
    assert get_json(server, url) == {"todos": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": ""},
        {"content": "  "},
        {"content": 5},
        {"content": "x" * 1001},
        {"content": "x", "description": "x" * 4001},
        {"content": "x", "status": "done"},
        {"content": "x", "status": 1},
        {"content": "x", "active_form": []},
    ],
)
def test_a_wrong_todo_is_refused(server: LiveServer, project: Path, body: Any) -> None:
    url = f"/api/xo-projects/{project.name}/todos"
    expect_error(server.client.post(url, json=body))
    assert get_json(server, url) == {"todos": []}


def test_forty_todos_at_once_are_all_kept(server: LiveServer, project: Path) -> None:
    url = f"/api/xo-projects/{project.name}/todos"

    def post(number: int) -> int:
        body = {"content": f"todo {number}", "description": "d" * 4000}
        address = f"{server.base_url}{url}"
        return httpx.post(address, json=body, timeout=30, trust_env=False).status_code

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(post, range(40))) == [201] * 40
    todos = get_json(server, url)["todos"]
    assert {todo["content"] for todo in todos} == {f"todo {number}" for number in range(40)}
    assert len({todo["id"] for todo in todos}) == 40


def test_todos_of_the_predecessors_shape_are_read_and_kept(
    server: LiveServer, project: Path
) -> None:
    theirs = {
        "id": "3",
        "content": "An agent's task",
        "status": "blocked",
        "description": "why",
        "active_form": "Doing it",
    }
    record = {
        "schema": 1,
        "updated_at": "2025-01-01T00:00:00+00:00",
        "sessions": {
            "abc": {"runtime": "claude_code", "source_file": "x.jsonl", "todos": [theirs, "odd"]},
            "odd": [],
        },
    }
    (project / ".xo" / "todos.json").write_text(json.dumps(record))
    url = f"/api/xo-projects/{project.name}/todos"
    assert get_json(server, url)["todos"] == [theirs | {"session_id": "abc"}]
    changed = server.client.patch(f"{url}/3", json={"status": "completed"}).json()
    assert changed == theirs | {"session_id": "abc", "status": "completed"}
    stored = json.loads((project / ".xo" / "todos.json").read_text())
    kept = record["sessions"]["abc"] | {"todos": [theirs | {"status": "completed"}, "odd"]}
    assert stored["sessions"] == {"abc": kept, "odd": []}
