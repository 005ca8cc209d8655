"""A plugin's unit tests without a server: the context in memory, with real processes."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import (
    AgentFailure,
    NotFound,
    Runtime,
    RuntimeInfo,
    TextDelta,
    Turn,
    Unauthorized,
    Unavailable,
)
from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.sdk.http import HttpResponse
from xo_cowork_core.sdk.testing import FakeContext, descendants

SCRIPT = "cat; echo $KEY; echo lost >&2; sleep 60 & exit 3"


class Shell(Runtime):
    """Runs a script and gives its lines."""

    def __init__(self, context: FakeContext) -> None:
        self.context = context
        self.returncode: int | None = None

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("shell", "Shell")

    async def run(self, turn: Turn):
        process = await self.context.processes.spawn(
            ["sh", "-c", SCRIPT], cwd=turn.cwd, environment=turn.environment, owner=turn.stream_id
        )
        await process.write(f"{turn.text}\nno end".encode())
        await process.close_stdin()
        async for lines in process.batches():
            for line in lines:
                yield TextDelta(line.decode())
                if line.endswith(b"k-1"):
                    self.returncode = await process.wait(5)
                    return


@in_event_loop
async def test_a_turn_runs_a_real_program_with_its_keys_and_ends_it(tmp_path: Path) -> None:
    async with FakeContext(tmp_path, secrets={"KEY": "k-1"}) as context:
        runtime = Shell(context)
        events = await context.run(runtime, context.turn("hello"))
        assert [event.text for event in events] == ["hello", "no endk-1"]
        (process,) = context.processes.started
        assert runtime.returncode == 3
        assert process.stderr_tail == "lost\n"
    assert not descendants(process.pid)


@in_event_loop
async def test_a_missing_program_is_told_as_the_host_does(tmp_path: Path) -> None:
    async with FakeContext(tmp_path) as context:
        with pytest.raises(AgentFailure) as error:
            await context.processes.spawn(["no-such-program"], cwd=tmp_path, environment={})
        assert error.value.code == "not_installed"
        assert context.paths.binary("no-such-program") is None


@in_event_loop
async def test_a_task_that_fails_fails_the_test(tmp_path: Path) -> None:
    async def fail() -> None:
        raise NotFound("nothing there")

    with pytest.raises(NotFound, match="nothing there"):
        async with FakeContext(tmp_path) as context:
            context.create_task(fail(), "fail")
            context.create_task(asyncio.sleep(60), "sleep")
            await asyncio.sleep(0)


@in_event_loop
async def test_secrets_tokens_settings_and_answers_are_in_memory(tmp_path: Path) -> None:
    def respond(method: str, url: str) -> HttpResponse:
        return HttpResponse(200, body=f"{method} {url}".encode())

    async with FakeContext(tmp_path, settings={"URL": "u"}, respond=respond) as context:
        context.secrets.store({"A": SecretStr("1"), "B": SecretStr("2")})
        context.secrets.delete(["A"])
        assert list(context.secrets.environment()) == ["B"]
        with pytest.raises(Unauthorized):
            await context.tokens.get("acme")
        await context.tokens.set("acme", TokenSet(SecretStr("t")))
        assert (await context.tokens.get("acme")).access_token.get_secret_value() == "t"
        assert context.settings["URL"] == "u"
        assert (await context.http.request("GET", "http://x")).text == "GET http://x"
        assert context.http.requests == [("GET", "http://x")]
        assert context.url_for("/api/x").endswith("/api/x")
    async with FakeContext(tmp_path) as context:
        with pytest.raises(Unavailable):
            await context.http.request("GET", "http://x")
