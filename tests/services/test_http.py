"""The shared HTTP client against a server on the loopback."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import Unavailable, UpstreamFailed
from xo_cowork_core.services.http import SharedHttpClient


class Server:
    """Answers each request with the next of its answers, and keeps the heads of the requests."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[bytes] = []
        self.requests: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head.decode())
        answer = self.answers.pop(0)
        if answer == b"silence":
            await reader.read()
        else:
            writer.write(answer)
        writer.close()


def answer(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> bytes:
    size = f"content-length: {len(body)}\r\nconnection: close\r\n"
    return f"HTTP/1.1 {status}\r\n{size}{headers}\r\n".encode() + body


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Server, SharedHttpClient]]:
    server = Server()
    client = SharedHttpClient()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server, client
    finally:
        await client.close()
        listener.close()


@in_event_loop
async def test_an_answer_of_any_status_is_returned() -> None:
    async with running() as (server, client):
        server.answers = [answer(b'{"a": 1}', status="404 Not Found", headers="X-One: 1\r\n")]
        response = await client.request(
            "GET", server.url, headers={"authorization": SecretStr("Bearer s")}, params={"q": "1"}
        )
        assert (response.status, response.json()) == (404, {"a": 1})
        assert response.headers["x-one"] == "1"
        assert server.requests[0].startswith("GET /?q=1 ")
        assert "authorization: Bearer s" in server.requests[0]


@in_event_loop
async def test_no_cookie_of_one_plugin_reaches_the_requests_of_another() -> None:
    async with running() as (server, client):
        server.answers = [answer(headers="Set-Cookie: session=1; Path=/\r\n"), answer()]
        await client.request("GET", server.url)
        await client.request("GET", server.url)
        assert "cookie" not in server.requests[1].lower()


@in_event_loop
async def test_a_redirect_is_returned_and_not_followed() -> None:
    async with running() as (server, client):
        server.answers = [answer(status="302 Found", headers="Location: http://127.0.0.1:1/\r\n")]
        response = await client.request("GET", server.url)
        assert (response.status, response.headers["location"]) == (302, "http://127.0.0.1:1/")


@in_event_loop
async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with running() as (server, client):
        server.answers = [answer(), answer()]
        assert (await client.request("GET", server.url)).status == 200
        named = server.url.replace("127.0.0.1", "localhost")
        assert (await client.request("GET", named)).status == 200


@in_event_loop
async def test_failures_are_errors_of_the_sdk() -> None:
    async with running() as (server, client):
        with pytest.raises(Unavailable):
            await client.request("GET", "http://127.0.0.1:1/")
        for url in ("no url", "ftp://127.0.0.1/", "http://", "https://[", "http://x:99999/"):
            with pytest.raises((UpstreamFailed, Unavailable)):
                await client.request("GET", url)
        server.answers = [b"silence", answer(b"x" * (16 * 1024 * 1024 + 1)), b"nonsense\r\n\r\n"]
        with pytest.raises(Unavailable, match="in time"):
            await client.request("GET", server.url, timeout=0.1)
        with pytest.raises(UpstreamFailed, match="too large"):
            await client.request("GET", server.url)
        with pytest.raises(Unavailable):
            await client.request("GET", server.url)
        server.answers = [answer(b"not gzip", headers="content-encoding: gzip\r\n")]
        with pytest.raises(UpstreamFailed):
            await client.request("GET", server.url)
    with pytest.raises(Unavailable, match="stopping"):
        await client.request("GET", server.url)


@in_event_loop
async def test_urls_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with running() as (server, client):
            server.answers = [answer()]
            await client.request("GET", f"{server.url}/secret-path?token=secret-1")
    assert "secret" not in caplog.text
