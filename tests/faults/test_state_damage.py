"""A `state.db` that is damaged, large, or of another version of the server."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.saved_entries import wait_until_saved
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually
from xo_cowork_core.storage.state_schema import STEPS

PAGE_BYTES = 4096


def page_of(file: Path, name: str) -> int:
    """Bring all of a database into its one file and return the first page of a table or index."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        return connection.execute(query, (name,)).fetchone()[0]


def damage(file: Path, name: str) -> None:
    page = page_of(file, name)
    with file.open("r+b") as opened:
        opened.seek((page - 1) * PAGE_BYTES)
        opened.write(b"\xff" * PAGE_BYTES)


def cut_turn(chat: Chat, server: LiveServer) -> str:
    """Kill the server while a turn runs that already has entries on disk."""
    turn = chat.prompt("slow")
    wait_until_saved(server, turn.stream_id, 1)
    server.kill()
    return turn.stream_id


@pytest.mark.parametrize("name", ["streams_by_session", "idempotency"])
def test_a_damaged_page_costs_what_was_on_it_and_nothing_else(server, name):
    chat = Chat(server, "demo")
    done = chat.run_turn("text")
    server.terminate()
    damage(server.state / "state.db", name)
    server.start()
    assert "state.db is damaged" in server.log
    assert len(list(server.state.glob("state.db.broken-*"))) == 1
    assert "Traceback" not in server.log
    assert [m["role"] for m in chat.messages(done.session_id)] == ["user", "assistant"]
    assert chat.run_turn("text", session_id=done.session_id).events[-1] == "done"
    server.restart()
    assert server.log.count("is damaged") == 1
    assert len(chat.messages(done.session_id)) == 4


def test_a_file_that_is_no_database_beside_its_log_is_replaced(server):
    chat = Chat(server, "demo")
    chat.run_turn("text")
    server.kill()
    (server.state / "state.db").write_bytes(b"no database\n" * 1000)
    server.start()
    assert "Traceback" not in server.log
    assert chat.run_turn("text").events[-1] == "done"


def test_a_cut_turn_whose_entries_are_lost_still_ends(server):
    chat = Chat(server, "demo")
    stream_id = cut_turn(chat, server)
    damage(server.state / "state.db", "blocks")
    server.start()
    assert not chat.active()
    with chat.stream(stream_id) as stream:
        assert stream.rest()[-1].event == "agent-error"


def test_a_stream_that_is_damaged_later_ends_in_an_error_and_others_are_served(server):
    chat = Chat(server, "demo")
    done = chat.run_turn("text")
    server.terminate()
    damage(server.state / "state.db", "blocks")
    server.start()
    names = chat.read(done).events
    assert names == ["desync", "agent-error"]
    assert [m["role"] for m in chat.messages(done.session_id)] == ["user", "assistant"]


def await_health(server: LiveServer, status: str) -> dict:
    """Return the health with this status; the folder is looked for a few times a second."""

    def read() -> dict:
        return server.client.get("/health").json()

    eventually(lambda: read()["status"] == status, 15, f"the server is {status}")
    return read()


def test_a_state_folder_that_is_moved_away_is_reported_until_it_is_back(server):
    chat = Chat(server, "demo")
    done = chat.run_turn("text")
    aside = server.state.with_name("aside")
    server.state.rename(aside)
    health = await_health(server, "degraded")
    assert "state folder was removed" in health["reason"]
    refused = chat.send("text")
    assert refused.status_code == 503
    assert refused.json()["detail"] == health["reason"]
    # a scan of the index opens its database again
    server.client.get("/api/sessions")
    assert not server.state.exists()
    aside.rename(server.state)
    assert await_health(server, "ok")["reason"] is None
    assert chat.run_turn("text", session_id=done.session_id).events[-1] == "done"


def test_a_state_folder_that_is_replaced_is_reported_until_the_next_start(server):
    chat = Chat(server, "demo")
    chat.run_turn("text")
    # the server may be writing a file there
    server.state.rename(server.state.with_name("gone"))
    server.state.mkdir()
    (server.state / "state.db").touch()
    await_health(server, "degraded")
    assert chat.send("text").status_code == 503
    server.restart()
    assert server.client.get("/health").json()["status"] == "ok"
    assert Chat(server, "demo").run_turn("text").events[-1] == "done"


def test_the_database_of_a_newer_server_is_refused_and_kept(server):
    Chat(server, "demo").run_turn("text")
    server.terminate()
    file = server.state / "state.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    content = file.read_bytes()
    with pytest.raises(AssertionError, match=r"state\.db was written by a newer server"):
        server.start()
    assert "Traceback" not in server.log
    assert file.read_bytes() == content
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")
    server.start()
    rows = lambda: server.client.get("/api/sessions").json()["sessions"]  # noqa: E731
    eventually(lambda: len(rows()) == 1, 15, "the session is listed")


def test_what_old_streams_took_is_given_back_to_the_disk(server):
    Chat(server, "demo").run_turn("text")
    server.terminate()
    file = server.state / "state.db"
    old = "2026-01-01T00:00:00.000+00:00"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
            " INSERT INTO streams (stream_id, session_id, agent_name, text, host_history,"
            " started_at, ended_at, last_id)"
            " SELECT 'old' || i, 's', 'demo', '', 0, ?1, ?1, 1 FROM n",
            (old,),
        )
        connection.execute(
            "INSERT INTO blocks SELECT stream_id, 1, 1, zeroblob(5000) FROM streams"
            " WHERE ended_at = ?",
            (old,),
        )
        connection.commit()
    large = file.stat().st_size
    server.start()

    def given_back() -> bool:
        with closing(sqlite3.connect(file)) as connection:
            (left,) = connection.execute("SELECT COUNT(*) FROM streams").fetchone()
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        return left == 1 and free < 10

    eventually(given_back, 20, "the disk")
    server.terminate()
    assert file.stat().st_size < large / 10
