"""Sessions kept: the trash brought back by command or emptied, the state of the index."""

import json
import sqlite3
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

ROUNDS = 20


def terminal_session(server: LiveServer) -> tuple[str, Path]:
    session_id = str(uuid.uuid4())
    folder = server.home / ".claude" / "projects" / "-somewhere"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{session_id}.jsonl"
    row = {
        "type": "user",
        "uuid": "u1",
        "parentUuid": None,
        "timestamp": "2026-11-24T05:00:00.000Z",
        "message": {"role": "user", "content": "a quokka"},
    }
    file.write_text(json.dumps(row) + "\n")
    eventually(lambda: session_id in listed(server), 15, "it is listed")
    return session_id, file


def listed(server: LiveServer) -> list[str]:
    rows = server.client.get("/api/sessions?limit=500").json()["sessions"]
    return [row["id"] for row in rows]


def restore(server: LiveServer, session_id: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "xo_cowork_core", "sessions", "restore", session_id]
    return subprocess.run(
        command, env=server.variables(), capture_output=True, text=True, timeout=100, check=False
    )


def test_a_deleted_session_comes_back_by_command(own_server: LiveServer) -> None:
    session_id, file = terminal_session(own_server)
    body = file.read_bytes()
    assert own_server.client.delete(f"/api/sessions/{session_id}").status_code == 200
    assert not file.exists()
    refused = restore(own_server, session_id)
    assert refused.returncode == 1
    assert "another server uses the state folder" in refused.stderr
    own_server.terminate()
    done = restore(own_server, session_id)
    assert (done.returncode, file.read_bytes()) == (0, body), done.stderr
    assert restore(own_server, session_id).returncode == 1
    own_server.start()
    eventually(lambda: session_id in listed(own_server), 15, "it is listed again")
    hits = own_server.client.get("/api/sessions/search?q=quokka").json()["sessions"]
    assert [hit["id"] for hit in hits] == [session_id]
    assert own_server.client.get(f"/api/messages/{session_id}").json()["total"] == 1


def test_a_session_whose_file_is_there_again_stays_in_the_trash(own_server: LiveServer) -> None:
    session_id, file = terminal_session(own_server)
    body = file.read_bytes()
    assert own_server.client.delete(f"/api/sessions/{session_id}").status_code == 200
    # a program in a terminal that had it open continues
    file.write_text("{}\n")
    own_server.terminate()
    refused = restore(own_server, session_id)
    assert (refused.returncode, file.read_text()) == (1, "{}\n")
    assert f"move it away first: {file}" in refused.stderr
    file.unlink()
    assert restore(own_server, session_id).returncode == 0
    assert file.read_bytes() == body


def test_of_a_prompt_and_a_delete_at_once_one_is_refused(own_server: LiveServer) -> None:
    chat = Chat(own_server, "demo")
    for _ in range(ROUNDS):
        answer = own_server.client.post("/api/sessions", json={"agent_name": "demo"})
        session_id = answer.json()["id"]
        with ThreadPoolExecutor(2) as pool:
            prompt = pool.submit(chat.send, "slow", session_id=session_id)
            delete = pool.submit(own_server.client.delete, f"/api/sessions/{session_id}")
        answers = (prompt.result().status_code, delete.result().status_code)
        assert answers in {(200, 409), (404, 200)}
        running = [turn["session_id"] for turn in chat.active()]
        assert running == ([session_id] if answers[0] == 200 else [])
        if running:
            chat.abort(prompt.result().json()["stream_id"])
            assert own_server.client.delete(f"/api/sessions/{session_id}").status_code == 200
        assert session_id not in listed(own_server)


def test_the_trash_is_emptied_after_thirty_days(own_server: LiveServer) -> None:
    old, _ = terminal_session(own_server)
    new, _ = terminal_session(own_server)
    for session_id in (old, new):
        assert own_server.client.delete(f"/api/sessions/{session_id}").status_code == 200
    kept = {path.stem: path for path in (own_server.state / "trash").rglob("*.jsonl")}
    assert set(kept) == {old, new}
    own_server.terminate()
    with closing(sqlite3.connect(own_server.state / "state.db")) as connection, connection:
        connection.execute(
            "UPDATE trash SET deleted_at = '2020-01-01T00:00:00.000+00:00' WHERE session_id = ?",
            (old,),
        )
    own_server.start()
    eventually(lambda: not kept[old].exists(), 15, "the old one is gone")
    assert kept[new].exists()
    assert old not in listed(own_server)


def test_what_the_host_kept_of_a_session_is_gone_after_thirty_days(own_server: LiveServer) -> None:
    chat = Chat(own_server, "demo")
    old, new = (chat.run_turn("echo a wombat").session_id for _ in range(2))
    eventually(lambda: {old, new} <= set(listed(own_server)), 15, "they are indexed")
    for session_id in (old, new):
        assert own_server.client.delete(f"/api/sessions/{session_id}").status_code == 200

    def listed_ids() -> set[str]:
        """Return whose words are kept anywhere."""
        found: set[str] = set()
        for file in own_server.state.glob("*.db"):
            with closing(sqlite3.connect(file)) as connection:
                kept = file.name == "state.db"
                table = (
                    "messages" if kept else "message_blocks JOIN session_keys USING (session_key)"
                )
                rows = connection.execute(f"SELECT session_id FROM {table}").fetchall()
            found.update(session_id for (session_id,) in rows)
        return found & {old, new}

    own_server.terminate()
    with closing(sqlite3.connect(own_server.state / "state.db")) as connection, connection:
        connection.execute(
            "UPDATE session_flags SET deleted_at = '2020-01-01T00:00:00.000+00:00'"
            " WHERE session_id = ?",
            (old,),
        )
    assert listed_ids() == {old, new}
    own_server.start()
    eventually(lambda: listed_ids() == {new}, 10, "the old one's words are gone")
    assert own_server.client.get(f"/api/sessions/{old}").status_code == 404
    assert not {old, new} & set(listed(own_server))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_state_of_the_index_counts_a_project_or_all(
    own_server: LiveServer, method: str
) -> None:
    terminal_session(own_server)

    def state(workspace: str) -> tuple[str, int, int, int]:
        answer = own_server.client.request(method, f"/api/fts/index/{workspace}")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return body["status"], body["progress"], body["sessions"], body["messages"]

    eventually(lambda: state("all")[1:] == (100, 1, 1), 15, "all is indexed")
    assert state("no-such-project")[2:] == (0, 0)
    assert state(f"{own_server.projects}/nothing")[2:] == (0, 0)
    assert state("all")[0] in {"idle", "indexing"}
