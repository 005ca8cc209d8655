"""The gate: who is let in, over real sockets."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer

TOKEN = "t0kén-of-this-test"


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    allowed = {
        "XO_ALLOWED_HOSTS": "box.example, Tunnel.Example",
        "XO_ALLOWED_ORIGINS": "https://app.example, http://Dev.example:8080",
        "XO_PLUGINS": "none",
    }
    with LiveServer(environment=allowed) as server:
        yield server


@pytest.fixture(scope="module")
def guarded() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_API_TOKEN": TOKEN, "XO_PLUGINS": "none"}) as server:
        # /health is open, so that it can start; every other route is not
        yield server


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:5002",
        "localhost.",
        "localhost.:80",
        "127.0.0.1",
        "127.0.0.1:9",
        "127.9.9.9",
        "[::1]",
        "[::1]:5002",
        "::1",
        "box.example",
        "BOX.example.:443",
        "tunnel.example",
    ],
)
def test_an_allowed_host_is_let_in(server, host):
    assert server.client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "box.example.evil",
        "notlocalhost",
        "10.0.0.1",
        "[::2]",
        "0.0.0.0",
        "",
        "localhost@evil.example",
        "user@localhost",
        "localhost:evil.example",
        "localhost:5002:1",
        "localhost..",
        "localhost/x",
        "[::1",
        "[::1]evil.example",
        "[::1]:x",
        "[:::]",
        "[::1%25lo]",
        "[::ffff:127.0.0.1]",
        "127.1",
        "0x7f000001",
        "2130706433",
        "localhost, evil.example",
    ],
)
def test_a_foreign_host_is_refused_on_every_route(server, host):
    for path in ("/", "/health", "/api/plugins", "/nowhere"):
        answer = server.client.get(path, headers={"Host": host})
        assert answer.status_code == 403, (host, path)
        assert "detail" in answer.json()


def test_two_hosts_or_none_are_refused(server):
    for head in (b"Host: localhost\r\nHost: evil.example\r\n", b""):
        assert _raw(server, b"GET / HTTP/1.0\r\n" + head + b"\r\n").split()[1] in {b"400", b"403"}


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "https://localhost",
        "http://127.0.0.1:5173",
        "http://[::1]:80",
        "http://localhost.",
        "http://localhost:",
        "tauri://localhost",
        "https://app.example",
        "https://app.example:443",
        "HTTPS://App.Example",
        "http://dev.example:8080",
    ],
)
def test_an_allowed_origin_is_accepted_and_gets_cors_headers(server, origin):
    answer = server.client.get("/", headers={"Origin": origin})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Origin" in answer.headers["Vary"]
    missing = server.client.get("/nowhere", headers={"Origin": origin})
    assert missing.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.example",
        "http://app.example",
        "https://app.example.evil",
        "https://app.example:444",
        "https://evilapp.example",
        "tauri://evil",
        "file://",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "chrome-extension://localhost",
        "http://user@localhost",
        "http://evil.example\\\\@localhost",
        "http://localhost#evil.example",
        "http://localhost?evil.example",
        "http://localhost/evil",
        "http://[::1]evil.example",
        "http://[:::::]",
        "http://[1.2.3.4]",
        "http://localhost:1:2",
        "http://localhost:65536",
        "http://localhost, http://evil.example",
        "tauri://user@localhost",
        "tauri://localhost:1",
        "//localhost",
        "http:localhost",
    ],
)
def test_a_foreign_origin_is_refused_before_anything_runs(server, origin):
    headers = {"Origin": origin, "Content-Type": "text/plain"}
    answer = server.client.post("/api/chat/prompt", content=b'{"text":"hi"}', headers=headers)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    preflight = headers | {"Access-Control-Request-Method": "POST"}
    assert server.client.options("/api/chat/prompt", headers=preflight).status_code == 403


def test_a_web_page_may_read_the_headers_that_the_docs_name(server):
    exposed = server.client.get("/health", headers={"Origin": "https://app.example"}).headers[
        "Access-Control-Expose-Headers"
    ]
    named = {"ETag", "Content-Disposition", "Retry-After", "Idempotent-Replayed"}
    assert named <= set(exposed.split(", "))


def test_a_preflight_of_an_allowed_origin_names_the_headers(server):
    answer = server.client.options(
        "/api/chat/prompt",
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,x-xo-wire",
            "Access-Control-Request-Private-Network": "true",
        },
    )
    assert answer.status_code == 200
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    named = answer.headers["Access-Control-Allow-Headers"]
    for header in (
        "Authorization",
        "Content-Type",
        "Accept-Language",
        "Coder-Session-Token",
        "Last-Event-ID",
        "X-XO-Wire",
        "Idempotency-Key",
    ):
        assert header in named
    assert answer.headers["Access-Control-Allow-Private-Network"] == "true"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": f"bearer {TOKEN}"}, 200),
        ({"Coder-Session-Token": TOKEN}, 200),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": f"Bearer {TOKEN[:-1]}"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": TOKEN}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Coder-Session-Token": ""}, 401),
        ({"Authorization": "Bearer wrong", "Coder-Session-Token": TOKEN}, 200),
    ],
)
def test_a_set_token_is_demanded(guarded, headers, status):
    sent = httpx.Headers(headers, encoding="utf-8")
    answer = guarded.client.get("/api/plugins", headers=sent)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert TOKEN not in answer.text


def test_a_token_in_the_query_counts_on_the_stream_route_alone(guarded):
    for key in ("token", "coder_session_token"):
        query = f"?{key}={TOKEN}"
        assert guarded.client.get(f"/api/chat/stream/none{query}").status_code == 200
        assert guarded.client.get(f"/api/plugins{query}").status_code == 401
    assert guarded.client.get("/api/chat/stream/none?token=no").status_code == 401
    assert guarded.client.get("/api/chat/stream/none").status_code == 401


def test_only_health_is_open(guarded):
    assert guarded.client.get("/health").status_code == 200
    for path in ("/", "/health/", "/health/x", "//health", "/openapi.json", "/metrics", "/x"):
        assert guarded.client.get(path).status_code == 401, path


def test_a_token_outside_ascii_is_refused_not_an_error(guarded):
    raw = b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
    assert _raw(guarded, raw).split()[1] == b"401"


def test_no_token_reaches_the_log(guarded):
    guarded.client.get(f"/api/chat/stream/none?token={TOKEN}")
    guarded.client.get(f"/nowhere?token={TOKEN}")
    assert TOKEN not in guarded.log


def test_a_stream_is_resumed_with_a_token_and_a_last_id_in_the_query():
    token = "of-this-test"
    environment = {"XO_API_TOKEN": token, "XO_PLUGINS": "runtime_demo", "XO_LOG_LEVEL": "debug"}
    with LiveServer(environment=environment) as server:
        server.client.headers["Authorization"] = f"Bearer {token}"
        chat = Chat(server, "demo")
        turn = chat.run_turn("text")
        last_id = turn.terminal.id - 2
        del server.client.headers["Authorization"]
        query = f"?token={token}&last_event_id={last_id}"
        with chat.stream(turn.stream_id, query=query).start_at(last_id) as stream:
            assert [frame.id for frame in stream.rest()] == [last_id + 1, last_id + 2]
        assert token not in server.log
        assert "last_event_id" not in server.log


def _raw(server: LiveServer, request: bytes) -> bytes:
    host, port = server.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        return connection.recv(65536)
