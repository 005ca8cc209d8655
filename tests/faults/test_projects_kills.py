"""Servers that are killed while they scaffold and keep todos: nothing torn, nothing lost.

Each round is seeded and kills `KILLS` times; `make soak` runs more rounds.
"""

import json
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from xo_cowork_core.sdk.testing import LiveServer

KILLS = 3
WRITERS = 4
SECONDS = 0.4
TEMPLATE = Path(__file__).parents[2] / "xo_cowork_core" / "services" / "projects" / "template"


@dataclass
class Books:
    """What the server acknowledged."""

    todos: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    projects: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "none"}) as running:
        make(running, "kept")
        yield running


def make(server: LiveServer, name: str) -> None:
    body = {"path": str(server.projects / name), "scaffold": True, "display_name": f"Name {name}"}
    answer = server.client.post("/api/files/mkdir", json=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.fault
def test_no_file_is_torn_and_no_acknowledged_write_lost(
    server: LiveServer, fault_seed: int
) -> None:
    dice = random.Random(fault_seed)
    books = Books()
    for number in range(KILLS):
        writers = [
            threading.Thread(target=keep_todos, args=(server.base_url, books, number, writer))
            for writer in range(WRITERS)
        ]
        writers.append(threading.Thread(target=scaffold, args=(server, books, number)))
        for writer in writers:
            writer.start()
        threading.Event().wait(dice.uniform(0.02, SECONDS))
        server.kill()
        for writer in writers:
            writer.join(30)
        check_files(server)
        server.start()
        check_todos(server, books)
    check_projects(server, books)


def keep_todos(base_url: str, books: Books, kill: int, writer: int) -> None:
    """Add, change and remove todos until the server is gone, and note what it answered."""
    url = f"{base_url}/api/xo-projects/kept/todos"
    with httpx.Client(timeout=10, trust_env=False) as http:
        for number in range(100_000):
            content = f"{kill}/{writer}/{number}"
            try:
                todo_id = http.post(url, json={"content": content}).json()["id"]
                books.todos[todo_id] = content
                if number % 3 == 0:
                    books.unsure.add(todo_id)
                    changed = {"content": f"{content} changed"}
                    assert http.patch(f"{url}/{todo_id}", json=changed).status_code == 200
                    books.todos[todo_id] = changed["content"]
                    books.unsure.discard(todo_id)
                if number % 3 == 1:
                    books.unsure.add(todo_id)
                    assert http.delete(f"{url}/{todo_id}").status_code == 200
                    books.removed.add(todo_id)
                    books.unsure.discard(todo_id)
            except httpx.TransportError:
                return


def scaffold(server: LiveServer, books: Books, kill: int) -> None:
    """Make projects until the server is gone."""
    base_url, projects = server.base_url, server.projects
    with httpx.Client(base_url=base_url, timeout=10, trust_env=False) as http:
        for number in range(100_000):
            name = f"made-{kill}-{number}"
            body = {"path": str(projects / name), "scaffold": True, "display_name": f"Name {name}"}
            books.begun.append(name)
            try:
                assert http.post("/api/files/mkdir", json=body).status_code == 200
            except httpx.TransportError:
                return
            books.projects.append(name)


def check_files(server: LiveServer) -> None:
    """Every file is whole, right after the kill; what is half written has a name of its own."""
    for path in server.projects.rglob("*"):
        if not path.is_file() or path.name.endswith(".new"):
            continue
        if path.suffix == ".json":
            assert isinstance(json.loads(path.read_bytes()), dict), path
        elif path.suffix == ".md" and path.name != "PROJECT.md":
            inner = Path(*path.relative_to(server.projects).parts[1:])
            assert path.read_bytes() == (TEMPLATE / inner).read_bytes(), path


def check_todos(server: LiveServer, books: Books) -> None:
    rows = server.client.get("/api/xo-projects/kept/todos").json()["todos"]
    found = {row["id"]: row["content"] for row in rows}
    for todo_id, content in books.todos.items():
        if todo_id in books.removed:
            assert todo_id not in found, "a removed todo is back"
        elif todo_id not in books.unsure:
            assert found.get(todo_id) == content, "an acknowledged write is lost"


def check_projects(server: LiveServer, books: Books) -> None:
    """What was acknowledged is there; what was cut off is whole or not there, and can be made."""
    listed = {item["id"]: item for item in server.client.get("/api/xo-projects").json()["items"]}
    for name in books.projects:
        assert listed[name]["unscaffolded"] is False
        assert listed[name]["display_name"] == f"Name {name}"
    whole = names(server.projects / "kept")
    for name in set(books.begun) - set(books.projects):
        if name not in listed:
            make(server, name)
    for name in books.begun:
        assert names(server.projects / name) == whole, name
    assert {path.name for path in server.projects.iterdir()} == {"kept", *books.begun}


def names(folder: Path) -> set[str]:
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.endswith(".new")}
