"""Sessions of a runtime that keeps a store without transcript files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import LiveServer, eventually, install_plugin

SOURCE = Path(__file__).parents[2] / "support" / "plugins" / "notebook.py"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    folder = install_plugin(tmp_path, "runtime_notebook", SOURCE.read_text())
    environment = {"XO_PLUGINS": "runtime_notebook"}
    running = LiveServer(environment=environment, python_path=[folder])
    try:
        (running.home / "store").mkdir()
        write(running, "animals", "a quokka")
        write(running, "plants", "a baobab")
        running.start()
        yield running
    finally:
        running.close()


def write(server: LiveServer, session_id: str, text: str) -> None:
    (server.home / "store" / f"{session_id}.txt").write_text(f"{text}\n")


def until_found(server: LiveServer, *words: str) -> None:
    """Wait until each word is found in one session."""
    for word in words:
        eventually(lambda w=word: len(found(server, w)) == 1, 10, f"{word} is found")


def found(server: LiveServer, word: str) -> list[str]:
    rows = server.client.get(f"/api/sessions/search?q={word}").json()["sessions"]
    return [row["id"] for row in rows]


def reads(server: LiveServer) -> list[str]:
    file = server.home / "store" / "reads"
    return sorted(file.read_text().split()) if file.exists() else []


def restart(server: LiveServer) -> None:
    server.terminate()
    (server.home / "store" / "reads").unlink()
    server.start()


def test_after_a_restart_only_the_sessions_that_changed_are_read(server: LiveServer) -> None:
    until_found(server, "quokka", "baobab")
    assert reads(server) == ["animals", "plants"]
    restart(server)
    write(server, "plants", "a sequoia")
    until_found(server, "quokka", "sequoia")
    assert set(reads(server)) == {"plants"}
    assert found(server, "baobab") == []


def test_a_session_that_could_not_be_read_is_read_after_a_restart(server: LiveServer) -> None:
    locked = server.home / "store" / "fish.locked"
    locked.touch()
    write(server, "fish", "a coelacanth")
    ids = {"animals", "plants", "fish"}
    eventually(lambda: {row["id"] for row in rows(server)} == ids, 10, "all are listed")
    assert found(server, "coelacanth") == []
    locked.unlink()
    restart(server)
    until_found(server, "coelacanth")
    assert set(reads(server)) == {"fish"}


def rows(server: LiveServer) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = server.client.get("/api/sessions").json()["sessions"]
    return listed
