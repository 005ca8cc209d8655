"""`/mcp/{connector}`: agents of running turns reach the MCP servers of connectors."""

import json
import threading
from contextlib import suppress

import httpx
import pytest

from tests.fakes.mcp_server.server import FakeMcpServer
from tests.support.mcp_turns import Run, running_turn, servers_of
from xo_cowork_core.sdk.testing import Chat, Connections, FakeOAuthServer, LiveServer
from xo_cowork_core.sdk.testing.process_tree import eventually

KEY = "key-that-works-0123456789"
SIGN_IN = "Sign in to Acme in the workspace's settings: "


def test_an_agent_calls_tools_without_ever_seeing_the_token(
    run: Run, upstream: FakeMcpServer, acme_provider: FakeOAuthServer, server: LiveServer
) -> None:
    opened = run.call("initialize", {"protocolVersion": "2025-06-18"})
    session = opened.headers["mcp-session-id"]
    assert opened.json()["result"]["serverInfo"]["name"] == "fake"
    own = {"mcp-session-id": session, "mcp-protocol-version": "2025-06-18", "cookie": "a=b"}
    assert run.send({"jsonrpc": "2.0", "method": "notifications/initialized"}, **own).is_success
    tools = run.call("tools/list", **own).json()["result"]["tools"]
    assert [tool["name"] for tool in tools][:1] == ["echo"]
    assert run.tool("echo", text="hello")["result"]["content"][0]["text"] == "echo: hello"
    assert [call.rpc for call in upstream.calls] == [
        "initialize",
        "notifications/initialized",
        "tools/list",
        "tools/call",
    ]
    sent = upstream.calls_of("tools/list")[0].headers
    token = sent["authorization"].removeprefix("Bearer ")
    assert acme_provider.is_valid(token)
    assert sent["mcp-session-id"] == session
    assert sent["mcp-protocol-version"] == "2025-06-18"
    assert "cookie" not in sent
    assert run.token not in json.dumps([dict(call.headers) for call in upstream.calls])
    assert token not in server.log
    assert run.token not in server.log


def test_a_token_that_expires_is_refreshed_without_the_agent_noticing(
    run: Run, upstream: FakeMcpServer, acme_provider: FakeOAuthServer
) -> None:
    acme_provider.expire()
    answers: list[object] = []

    def call(number: int) -> None:
        answers.append(run.tool("echo", text=str(number))["result"]["content"][0]["text"])

    callers = [threading.Thread(target=call, args=[number]) for number in range(5)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(map(str, answers)) == [f"echo: {number}" for number in range(5)]
    assert len(acme_provider.requests("token", grant_type="refresh_token")) == 1
    tokens = [call.headers["authorization"] for call in upstream.calls]
    assert len(set(tokens)) == 2


def test_a_service_that_refuses_every_token_does_not_wear_out_the_refresh_tokens(
    run: Run, upstream: FakeMcpServer, acme_provider: FakeOAuthServer, acme: Connections
) -> None:
    upstream.faults += [401] * 20
    for _ in range(3):
        error = run.call("tools/list").json()["error"]
        assert error["message"].startswith(("Acme refuses the sign-in", SIGN_IN)), error
        assert error["data"] == {"code": "needs_auth"}
    assert len(acme_provider.requests("token", grant_type="refresh_token")) == 1
    assert acme.state() == "connected"


def test_an_agent_is_told_to_have_a_person_sign_in(
    run: Run, acme: Connections, acme_provider: FakeOAuthServer, upstream: FakeMcpServer
) -> None:
    acme_provider.revoke_all()
    error = run.call("tools/list").json()
    assert error["id"] == 7
    assert error["error"]["message"].startswith(SIGN_IN)
    assert error["error"]["data"] == {"code": "needs_auth"}
    assert acme.state() == "needs_reauth"
    rows = [{"jsonrpc": "2.0", "id": key, "method": "tools/list"} for key in ("a", 2)]
    batch = run.send([*rows, {"jsonrpc": "2.0", "method": "notifications/x"}]).json()
    assert [row["id"] for row in batch] == ["a", 2]
    assert all(row["error"]["message"].startswith(SIGN_IN) for row in batch)
    notified = run.send({"jsonrpc": "2.0", "method": "notifications/x"})
    assert notified.status_code == 503
    assert notified.json()["detail"].startswith(SIGN_IN)
    assert run.request("GET").status_code == 503


def test_a_key_that_the_mcp_server_alone_refuses_stays_connected(
    server: LiveServer, acme: Connections, acme_provider: FakeOAuthServer, upstream: FakeMcpServer
) -> None:
    acme_provider.accept_key(KEY)
    acme.disconnect()
    acme.connect(method="api_key", input=KEY)
    with running_turn(Chat(server, "agent")) as run:
        assert run.tool("echo", text="x")["result"]
        upstream.faults += [401, 401]
        error = run.call("tools/list").json()["error"]
        assert error["data"] == {"code": "needs_auth"}
    assert acme.state() == "connected"


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (500, "it sent status 500", "unavailable"),
        (429, "it sent status 429", "unavailable"),
        (302, "it sent status 302", "unavailable"),
        (403, "does not allow this", "forbidden"),
    ],
)
def test_a_service_that_fails_is_an_error_that_the_agent_can_read(
    run: Run, upstream: FakeMcpServer, status: int, words: str, code: str
) -> None:
    upstream.faults.append(status)
    answer = run.call("tools/list")
    assert answer.status_code == 200
    assert words in answer.json()["error"]["message"]
    assert answer.json()["error"]["data"] == {"code": code}


def test_the_end_of_a_session_of_the_service_is_passed_on(
    run: Run, upstream: FakeMcpServer
) -> None:
    headers = {"mcp-session-id": "of-yesterday"}
    assert run.call("tools/list", **headers).status_code == 404
    assert run.request("DELETE", headers=headers).status_code == 200
    assert [call.method for call in upstream.calls] == ["POST", "DELETE"]


def test_a_service_that_is_down_is_an_error_that_the_agent_can_read(
    run: Run, upstream: FakeMcpServer
) -> None:
    upstream.close()
    try:
        error = run.call("tools/list").json()["error"]
    finally:
        upstream.start()
    assert error["message"].startswith("Acme can't be reached at the moment")
    assert run.tool("echo", text="again")["result"]


def test_an_answer_is_passed_on_as_it_comes(run: Run, upstream: FakeMcpServer) -> None:
    arguments = {"name": "slow", "arguments": {"pieces": 3}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": arguments}
    seen = 0
    with run.stream("POST", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for chunk in answer.iter_text():
            seen += chunk.count("data: ")
            # the next piece is sent once this one is here
            upstream.received_pieces = seen
    assert seen == 4


def test_a_stream_that_breaks_off_ends_with_an_error_for_the_call(run: Run) -> None:
    last = run.tool("break")
    assert last["id"] == 7
    assert last["error"]["message"].startswith("The answer broke off")


def test_other_tokens_open_nothing(run: Run, upstream: FakeMcpServer) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for text in (
        "",
        "Bearer token-of-the-api",
        f"Bearer {run.token}x",
        f"Basic {run.token}",
    ):
        for method in ("GET", "POST", "DELETE"):
            answer = run.request(method, headers={"authorization": text}, content=b"{}")
            assert answer.status_code == 401, (method, text)
            assert answer.headers["www-authenticate"] == "Bearer"
    in_query = {"url": f"{run.url}?token={run.token}", "headers": {"authorization": ""}}
    assert run.request("POST", json=request, **in_query).status_code == 401
    unknown = run.request("POST", url=run.url + "x", json=request)
    assert unknown.status_code == 404
    assert run.request("PUT", json=request).status_code == 405
    assert not upstream.calls
    # it opens no other route either
    assert run.request("GET", url="/api/connectors").status_code == 401
    # nor does it help a page of a browser
    page = run.send(request, origin="https://evil.example")
    assert page.status_code == 403


def test_a_body_that_is_too_large_is_refused(run: Run, upstream: FakeMcpServer) -> None:
    answer = run.request("POST", content=b" " * ((16 << 20) + 1))
    assert answer.status_code == 413
    assert not upstream.calls


def test_a_token_works_only_while_a_turn_of_its_session_runs(
    server: LiveServer, acme: Connections, upstream: FakeMcpServer
) -> None:
    chat = Chat(server, "agent")
    with running_turn(chat) as first:
        assert first.call("tools/list").is_success
    ended = first.call("tools/list")
    assert ended.status_code == 403
    assert ended.json() == {"detail": "No turn with this token is running."}
    with running_turn(chat, session_id=first.session_id) as next_turn:
        assert next_turn.token == first.token
        assert first.call("tools/list").is_success
    with running_turn(chat) as other:
        assert other.token != first.token
        assert first.call("tools/list").status_code == 403


def test_streams_and_calls_end_with_the_turn(
    server: LiveServer, acme: Connections, upstream: FakeMcpServer
) -> None:
    statuses: list[object] = []

    def hang(run: Run) -> None:
        with suppress(httpx.HTTPError):
            body = {"name": "hang", "arguments": {}}
            statuses.append(run.call("tools/call", body).status_code)

    with running_turn(Chat(server, "agent")) as run:
        listening = run.stream("GET")
        stream = listening.__enter__()
        parts = stream.iter_text()
        assert "notifications/message" in next(parts)
        assert upstream.open_streams == 1
        caller = threading.Thread(target=hang, args=[run])
        caller.start()
        eventually(lambda: bool(upstream.calls_of("tools/call")), 15, "the tool is called")
    assert list(parts) == []
    listening.__exit__(None, None, None)
    caller.join(10)
    assert not caller.is_alive()
    eventually(lambda: upstream.open_streams == 0, 15, "the service sees the end")


def test_a_client_that_leaves_ends_the_request_to_the_service(
    run: Run, upstream: FakeMcpServer
) -> None:
    with run.stream("GET") as stream:
        next(stream.iter_text())
    eventually(lambda: upstream.open_streams == 0, 15, "the service sees the end")


def test_an_agent_gets_the_servers_of_connected_connectors_alone(
    server: LiveServer, acme: Connections
) -> None:
    chat = Chat(server, "agent")
    (row,) = servers_of(chat)
    assert row["name"] == "xo_acme"
    assert row["url"] == str(server.client.base_url.join("/mcp/acme"))
    acme.disconnect()
    assert servers_of(chat) == []
    plugin = acme.plugin()
    assert plugin["faults"] == []
    assert "provides_mcp_server" in acme.abilities()


def test_a_project_switches_connectors_off(server: LiveServer, acme: Connections) -> None:
    switched = Chat(server, "agent", project="switched")
    path = "/api/xo-projects/switched/connectors"
    try:
        for mcp, count in ((False, 0), (["other"], 0), (["acme", "other"], 1), (True, 1)):
            assert server.client.patch(path, json={"mcp": mcp}).json()["mcp"] == mcp
            assert len(servers_of(switched)) == count
        server.client.patch(path, json={"mcp": False})
        assert len(servers_of(Chat(server, "agent"))) == 1
    finally:
        server.client.patch(path, json={"mcp": True})


def test_a_turn_may_not_use_a_connector_that_its_project_switches_off(
    server: LiveServer, acme: Connections, upstream: FakeMcpServer
) -> None:
    off = Chat(server, "agent", project="off")
    path = "/api/xo-projects/off/connectors"
    with running_turn(off) as run:
        session_id = run.session_id
    server.client.patch(path, json={"mcp": False})
    (off.folder / "released").unlink()
    turn = off.prompt("hold", session_id=session_id)
    try:
        answer = run.call("tools/list")
        assert answer.status_code == 403
        assert answer.json()["detail"] == "This turn may not use this connector."
    finally:
        (off.folder / "released").touch()
        off.read(turn)
    assert not upstream.calls
