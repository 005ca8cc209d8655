"""The shared HTTP client against a server on the loopback."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
        self.tasks: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.append(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head.decode())
        answer = self.answers.pop(0)
        if answer == b"silence":
            await reader.read()
        elif answer.endswith(b"more"):
            writer.write(answer.removesuffix(b"more"))
            await reader.read()
        elif answer == b"count":
            body = await reader.readuntil(b"0\r\n\r\n")
            writer.write(build_answer(b"%d parts" % body.count(b"part")))
        else:
            writer.write(answer)
        writer.close()
        await writer.wait_closed()


def build_answer(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> bytes:
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
        await asyncio.wait([task for task in server.tasks if task])


@asynccontextmanager
async def running_on_socket(path: Path) -> AsyncIterator[tuple[Server, SharedHttpClient]]:
    server = Server()
    client = SharedHttpClient()
    listener = await asyncio.start_unix_server(server.serve, path)
    try:
        yield server, client
    finally:
        await client.close()
        listener.close()
        await asyncio.wait([task for task in server.tasks if task])


@in_event_loop
async def test_an_answer_of_any_status_is_returned() -> None:
    async with running() as (server, client):
        server.answers = [build_answer(b'{"a": 1}', status="404 Not Found", headers="X-One: 1\r\n")]
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
        server.answers = [build_answer(headers="Set-Cookie: session=1; Path=/\r\n"), build_answer()]
        await client.request("GET", server.url)
        await client.request("GET", server.url)
        assert "cookie" not in server.requests[1].lower()


@in_event_loop
async def test_a_redirect_is_returned_and_not_followed() -> None:
    async with running() as (server, client):
        server.answers = [
            build_answer(status="302 Found", headers="Location: http://127.0.0.1:1/\r\n")
        ]
        response = await client.request("GET", server.url)
        assert (response.status, response.headers["location"]) == (302, "http://127.0.0.1:1/")


@in_event_loop
async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with running() as (server, client):
        server.answers = [build_answer(), build_answer()]
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
        server.answers = [
            b"silence",
            build_answer(b"x" * (16 * 1024 * 1024 + 1)),
            b"nonsense\r\n\r\n",
        ]
        with pytest.raises(Unavailable, match="in time"):
            await client.request("GET", server.url, timeout=0.1)
        with pytest.raises(UpstreamFailed, match="too large"):
            await client.request("GET", server.url)
        with pytest.raises(Unavailable):
            await client.request("GET", server.url)
        server.answers = [build_answer(b"not gzip", headers="content-encoding: gzip\r\n")]
        with pytest.raises(UpstreamFailed):
            await client.request("GET", server.url)
    with pytest.raises(Unavailable, match="stopping"):
        await client.request("GET", server.url)


@in_event_loop
async def test_urls_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with running() as (server, client):
            server.answers = [build_answer()]
            await client.request("GET", f"{server.url}/secret-path?token=secret-1")
    assert "secret" not in caplog.text


@in_event_loop
async def test_a_socket_leads_to_a_program_of_this_machine(tmp_path: Path) -> None:
    async with running_on_socket(tmp_path / "rc.sock") as (server, client):
        server.answers = [build_answer(b'{"a": 1}'), build_answer(b"text")]
        response = await client.request("POST", "http://rc/noop", socket=tmp_path / "rc.sock")
        assert response.json() == {"a": 1}
        async with client.stream("GET", "http://rc/file", socket=tmp_path / "rc.sock") as streamed:
            assert [chunk async for chunk in streamed.chunks()] == [b"text"]
    with pytest.raises(Unavailable):
        await SharedHttpClient().request("GET", "http://rc/", socket=tmp_path / "rc.sock")


@in_event_loop
async def test_a_stream_gives_the_answer_before_its_body_ends() -> None:
    async with running() as (server, client):
        server.answers = [build_answer(b"12345678", headers="X-One: 1\r\n")[:-4] + b"more"]
        async with client.stream("GET", server.url, idle_timeout=1.0) as response:
            assert (response.status, response.headers["x-one"]) == (200, "1")
            chunks = response.chunks()
            assert await anext(chunks) == b"1234"
            with pytest.raises(Unavailable, match="in time"):
                await anext(chunks)


@in_event_loop
async def test_a_connection_that_breaks_in_a_streamed_body_is_an_error() -> None:
    async with running() as (server, client):
        server.answers = [build_answer(b"12345678")[:-4]]
        async with client.stream("GET", server.url) as response:
            with pytest.raises(Unavailable):
                _ = [chunk async for chunk in response.chunks()]


@in_event_loop
async def test_a_long_upload_has_time_as_long_as_its_parts_come() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(4):
            await asyncio.sleep(0.6)
            yield b"part"

    async with running() as (server, client):
        server.answers = [b"count", b"silence"]
        # both limits are shorter than the whole upload
        async with client.stream(
            "PUT", server.url, content=parts(), timeout=2.0, idle_timeout=2.0
        ) as response:
            assert [chunk async for chunk in response.chunks()] == [b"4 parts"]
        with pytest.raises(Unavailable, match="in time"):
            async with client.stream(
                "PUT", server.url, content=parts(), timeout=5.0, idle_timeout=0.02
            ):
                pass


@in_event_loop
async def test_a_compressed_stream_is_decoded_and_its_headers_say_so() -> None:
    async with running() as (server, client):
        body = gzip.compress(b"text")
        server.answers = [build_answer(body, headers="content-encoding: gzip\r\n")]
        async with client.stream("GET", server.url) as response:
            assert not {"content-encoding", "content-length"} & set(response.headers)
            assert [chunk async for chunk in response.chunks()] == [b"text"]
