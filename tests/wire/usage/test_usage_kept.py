"""Money that was spent stays spent: deleting a session takes nothing out of the usage."""

from typing import Any

from tests.support.terminal_session import TerminalSession, index_files
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually


def usage(server: LiveServer, route: str) -> dict[str, Any]:
    answer = server.client.get(route)
    assert answer.status_code == 200, answer.text
    return answer.json()


def usage_answers(server: LiveServer) -> dict[str, Any]:
    """The usage of all and of the project, without the names of sessions."""
    routes = ("/api/usage", "/api/xo-projects/spender/usage")
    found = {route: usage(server, route) for route in routes}
    for body in found.values():
        body["by_session"] = [(row["session_id"], row["cost_usd"]) for row in body["by_session"]]
    return found


def test_what_deleted_sessions_spent_is_still_counted(server: LiveServer) -> None:
    session = TerminalSession(server, "spender")
    session.add_exchange("What does it cost?")
    eventually(
        lambda: usage_answers(server)["/api/usage"]["total_messages"] == 2, 15, "it is counted"
    )
    hosted = Chat(server, "demo", "spender").run_turn("text").session_id
    eventually(
        lambda: usage_answers(server)["/api/usage"]["total_sessions"] == 2, 15, "both are counted"
    )
    before = usage_answers(server)
    assert before["/api/xo-projects/spender/usage"]["total_tokens"]["input"] >= 1000
    for session_id in (session.session_id, hosted):
        assert server.client.delete(f"/api/sessions/{session_id}").status_code == 200
    assert not session.file.exists()
    assert server.client.get("/api/sessions").json()["total"] == 0
    # the second look has seen that the file is gone
    for _ in range(2):
        server.client.post("/api/fts/index/all")
        eventually(idle(server), 15, "a scan has ended")
        assert usage_answers(server) == before
    server.terminate()
    for file in index_files(server):
        file.unlink()
    server.start()
    eventually(lambda: usage_answers(server) == before, 15, "it is counted by a new index")
    assert server.client.get("/api/sessions").json()["total"] == 0
    assert server.client.get("/api/sessions/search?q=cost").json()["total"] == 0


def idle(server: LiveServer) -> Any:
    return lambda: server.client.get("/api/fts/index/all").json()["status"] == "idle"
