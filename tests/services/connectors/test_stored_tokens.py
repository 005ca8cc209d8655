"""Tokens on disk: modes, damage, and what a plugin reaches."""

import asyncio
import json
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep, thread_time

import pytest
from pydantic import SecretStr

from tests.support.connectors.engine import CONNECTOR, ConnectorEngine, UserinfoConnector
from tests.support.connectors.fixtures import key_engine
from tests.support.turn_engine import FakeClock, in_event_loop
from xo_cowork_core.sdk import (
    BadRequest,
    Conflict,
    NotFound,
    Turn,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
)
from xo_cowork_core.sdk.connector import (
    Account,
    ApiKey,
    ProvidesRawTokens,
    ProvidesTurnEnvironment,
    TokenSet,
)
from xo_cowork_core.services.connectors.errors import NeedsAuth, StorageFailed
from xo_cowork_core.services.connectors.plugins.plugin_tokens import PluginTokens
from xo_cowork_core.services.connectors.project_access import ProjectAccessStore
from xo_cowork_core.services.connectors.turn_environments import TurnEnvironments
from xo_cowork_core.storage.json_file import JsonFile, JsonObject

KEY = TokenSet(SecretStr("key-1"), extra={"id_token": SecretStr("id-1")})


def token_file(folder: Path) -> Path:
    return folder / "tokens" / f"{CONNECTOR}.json"


@in_event_loop
async def test_files_and_folders_are_private_from_their_creation(tmp_path: Path) -> None:
    state = tmp_path / "state"
    old_mask = os.umask(0)
    try:
        async with key_engine(state) as engine:
            await engine.start(input="key-1")
    finally:
        os.umask(old_mask)
    for path in [state / "tokens", *(state / "tokens").iterdir(), state / "flows.json"]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


@in_event_loop
async def test_a_file_of_a_wider_mode_is_narrowed_when_it_is_read(tmp_path: Path) -> None:
    async with key_engine(tmp_path) as engine:
        await engine.start(input="key-1")
    token_file(tmp_path).chmod(0o644)
    async with key_engine(tmp_path) as engine:
        assert engine.connections.status(CONNECTOR).is_connected
        assert stat.S_IMODE(token_file(tmp_path).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version": 0, "connections": {}}',
        b'{"version": "2", "connections": {}}',
        b'{"version": 1}',
        b'{"version": 1, "connections": {"default": {"tokens": 7}}}',
        b'{"version": 1, "connections": []}',
    ],
)
def test_a_damaged_file_is_kept_aside_and_told(tmp_path: Path, content: bytes) -> None:
    file = token_file(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_bytes(content)

    async def run() -> None:
        async with key_engine(tmp_path) as engine:
            status = engine.connections.status(CONNECTOR)
            assert status.state == "needs_auth"
            [kept] = [path for path in file.parent.iterdir() if "broken" in path.name]
            assert kept.read_bytes() == content
            assert kept.name in status.reason
            await engine.start(input="key-1")
            assert engine.connections.status(CONNECTOR).is_connected
        assert kept.read_bytes() == content

    asyncio.run(run())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1, "flows": [{}]}'])
def test_a_damaged_journal_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "flows.json").write_bytes(content)

    async def run() -> None:
        async with key_engine(tmp_path) as engine:
            assert (await engine.start()).state == "awaiting_user"
        [kept] = tmp_path.glob("flows.json.broken-*")
        assert kept.read_bytes() == content

    asyncio.run(run())


@in_event_loop
async def test_a_folder_in_the_place_of_the_file_is_moved_aside(tmp_path: Path) -> None:
    token_file(tmp_path).mkdir(parents=True)
    async with key_engine(tmp_path) as engine:
        assert "broken" in engine.connections.status(CONNECTOR).reason
        await engine.start(input="key-1")
        assert json.loads(token_file(tmp_path).read_text())["version"] == 1


@in_event_loop
async def test_a_plugin_reaches_the_tokens_of_its_own_connectors_alone(tmp_path: Path) -> None:
    async with key_engine(tmp_path) as engine:
        own = PluginTokens("connector_acme", engine.registry, engine.connections)
        other = PluginTokens("connector_other", engine.registry, engine.connections)
        with pytest.raises(Unauthorized):
            await own.get(CONNECTOR)
        await own.set(CONNECTOR, KEY, "work")
        assert await own.get(CONNECTOR, "work") == KEY
        for call in (
            other.get(CONNECTOR, "work"),
            other.set(CONNECTOR, KEY),
            other.delete(CONNECTOR, "work"),
            own.get("none-such"),
        ):
            with pytest.raises(NotFound):
                await call
        await own.delete(CONNECTOR, "work")
        await own.delete(CONNECTOR, "work")
        with pytest.raises(NeedsAuth):
            await own.get(CONNECTOR, "work")


@in_event_loop
async def test_names_and_numbers_of_connections_are_limited(tmp_path: Path) -> None:
    async with key_engine(tmp_path) as engine:
        for name in ("", "../x", "A", "x" * 33, "a b", "a\n"):
            with pytest.raises(BadRequest):
                await engine.connections.set_tokens(CONNECTOR, name, KEY)
        for number in range(32):
            await engine.connections.set_tokens(CONNECTOR, f"c{number}", KEY)
        with pytest.raises(Conflict):
            await engine.connections.set_tokens(CONNECTOR, "one-more", KEY)
        await engine.connections.set_tokens(CONNECTOR, "c0", KEY)
        await engine.connections.disconnect(CONNECTOR, "c1")
        await engine.connections.set_tokens(CONNECTOR, "one-more", KEY)


@in_event_loop
async def test_tokens_without_a_refresh_token_work_until_they_expire(tmp_path: Path) -> None:
    async with key_engine(tmp_path) as engine:
        moment = datetime.now(UTC) + timedelta(seconds=30)
        lasting = TokenSet(SecretStr("t"), expires_at=moment)
        await engine.connections.set_tokens(CONNECTOR, "default", lasting)
        assert await engine.connections.get(CONNECTOR) == lasting
        ended = TokenSet(SecretStr("t"), expires_at=datetime.now(UTC) - timedelta(seconds=1))
        await engine.connections.set_tokens(CONNECTOR, "default", ended)
        with pytest.raises(NeedsAuth):
            await engine.connections.get(CONNECTOR)
        assert engine.connections.status(CONNECTOR).state == "needs_reauth"


@in_event_loop
async def test_the_verdict_of_a_check_holds_for_a_minute(tmp_path: Path) -> None:
    async with key_engine(tmp_path) as engine:
        await engine.start(input="key-1")
        asked = engine.connector.identified
        for _ in range(20):
            await engine.connections.check(CONNECTOR)
        assert engine.connector.identified == asked
    engine = key_engine(tmp_path)
    engine.connector.error = Unavailable("It is down.")
    async with engine:
        checks = [engine.connections.check(CONNECTOR) for _ in range(20)]
        statuses = await asyncio.gather(*checks)
        assert engine.connector.identified == 1
        assert {(each.state, each.reason) for each in statuses} == {("degraded", "It is down.")}
        assert (await engine.connections.get(CONNECTOR)).access_token == SecretStr("key-1")
    engine = key_engine(tmp_path)
    engine.connector.error = Unauthorized("No.")
    async with engine:
        assert (await engine.connections.check(CONNECTOR)).state == "needs_reauth"
        assert "key-1" in token_file(tmp_path).read_text()


@in_event_loop
async def test_a_service_whose_rate_limit_is_reached_is_left_alone_until_then(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    async with key_engine(tmp_path, clock=clock) as engine:
        await engine.start(input="key-1")
        clock.advance(61)
        engine.connector.error = Unavailable("The limit is reached.", retry_after=1800)
        status = await engine.connections.check(CONNECTOR)
        assert (status.state, status.reason) == ("degraded", "The limit is reached.")
        assert status.next_try == clock.now() + timedelta(seconds=1800)
        asked = engine.connector.identified
        clock.advance(1799)
        await engine.connections.check(CONNECTOR)
        assert engine.connector.identified == asked
        engine.connector.error = None
        clock.advance(1)
        assert (await engine.connections.check(CONNECTOR)).state == "connected"


@in_event_loop
async def test_the_scopes_that_a_service_names_are_shown(tmp_path: Path) -> None:
    async with key_engine(tmp_path) as engine:
        engine.connector.scopes = ("repo", "read:org")
        await engine.start(input="key-1")
        assert engine.connections.status(CONNECTOR).scopes == ("repo", "read:org")
    async with key_engine(tmp_path) as engine:
        # until the next check these are those of the last one
        assert engine.connections.status(CONNECTOR).scopes == ("repo", "read:org")
        await engine.connections.check(CONNECTOR)
        assert engine.connections.status(CONNECTOR).scopes == ()


@in_event_loop
async def test_a_connector_of_a_careless_plugin_is_told_and_harms_no_one(tmp_path: Path) -> None:
    for error in (RuntimeError("oops"), SystemExit(3)):
        engine = key_engine(tmp_path)
        engine.connector.error = error  # type: ignore[assignment]
        async with engine:
            flow = await engine.start(input="key-1", force=True)
            assert flow.state == "awaiting_user"
            assert flow.error and flow.error.code == "upstream_error"
    engine = key_engine(tmp_path)
    engine.connector.identify = lambda _: asyncio.sleep(0, "no account")  # type: ignore[method-assign]
    async with engine:
        flow = await engine.start(input="key-1", force=True)
        assert flow.error and flow.error.code == "upstream_error"
        assert "identify()" in engine.record.faults
    engine.connector.sign_in_methods = lambda: [7]  # type: ignore[method-assign]
    with pytest.raises(UpstreamFailed):
        await engine.connections.methods(CONNECTOR)
    assert "sign_in_methods()" in engine.record.faults
    engine.connector.sign_in_methods = lambda: [ApiKey(pattern="[")]  # type: ignore[method-assign]
    with pytest.raises(UpstreamFailed):
        await engine.connections.methods(CONNECTOR)
    assert "no regular expression" in engine.record.faults["sign_in_methods()"]


@in_event_loop
async def test_states_are_read_from_memory(tmp_path: Path) -> None:
    async with key_engine(tmp_path) as engine:
        for number in range(32):
            await engine.connections.set_tokens(CONNECTOR, f"c{number}", KEY)
        await asyncio.gather(
            *(engine.connections.check(CONNECTOR, f"c{number}") for number in range(32))
        )
        took = []
        for _ in range(50):
            start = thread_time()
            statuses = engine.connections.statuses()
            took.append(thread_time() - start)
        assert len(statuses) == 33
        assert sorted(took)[25] < 0.002


@in_event_loop
async def test_a_full_disk_refuses_a_disconnection_and_keeps_the_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with key_engine(tmp_path) as engine:
        await engine.connections.set_tokens(CONNECTOR, "default", KEY)

        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("xo_cowork_core.storage.json_file.JsonFile.write", refuse)
        with pytest.raises(StorageFailed):
            await engine.connections.disconnect(CONNECTOR)
        assert await engine.connections.get(CONNECTOR) == KEY


def test_no_secret_is_in_the_text_of_a_value() -> None:
    account = Account("1")
    assert "key-1" not in repr(KEY) + str(KEY) + repr(account)


class EnvironmentConnector(UserinfoConnector, ProvidesTurnEnvironment, ProvidesRawTokens):
    """Gives its token to agents, and asks for names that it must not set."""

    def turn_environment(self, turn: Turn, tokens: TokenSet) -> dict[str, SecretStr]:
        hidden = SecretStr(f"token={tokens.access_token.get_secret_value()}")
        return {"ACME_HOST": SecretStr("acme"), "HIDDEN": hidden, "XO_API_TOKEN": SecretStr("x")}

    def raw_token_environment(self, turn: Turn, tokens: TokenSet) -> dict[str, SecretStr]:
        return {"ACME_TOKEN": tokens.access_token, "PATH": tokens.access_token}


@in_event_loop
async def test_a_connector_gives_its_token_to_turns_of_projects_that_ask(tmp_path: Path) -> None:
    turn = Turn("stream", "session", "hello", tmp_path, agent_id="trusting")
    connector = EnvironmentConnector(None, [ApiKey()])
    async with ConnectorEngine(tmp_path, connector) as engine:
        access = ProjectAccessStore(tmp_path / "projects.json")
        read = TurnEnvironments(engine.registry, engine.connections, access).read
        assert await read(CONNECTOR, turn) == {}
        await engine.start(input="key-1")
        host = {"ACME_HOST": SecretStr("acme")}
        assert await read(CONNECTOR, turn) == host
        assert "HIDDEN has a token" in engine.record.faults["turn_environment()"]
        await access.change("trusting", raw_tokens=True)
        assert await read(CONNECTOR, turn) == {**host, "ACME_TOKEN": SecretStr("key-1")}
        assert "'PATH'" in engine.record.faults["raw_token_environment()"]
        assert await read(CONNECTOR, replace(turn, agent_id="other")) == host
        assert await read(CONNECTOR, replace(turn, agent_id=None)) == host
        await engine.connections.disconnect(CONNECTOR)
        assert await read(CONNECTOR, turn) == {}


@in_event_loop
async def test_tokens_are_kept_out_of_logs_before_a_plugin_has_them(tmp_path: Path) -> None:
    engine = key_engine(tmp_path)
    shown: list[str] = []

    async def identify(tokens: TokenSet) -> Account:
        shown.append(engine.redactor.redact(tokens.access_token.get_secret_value()))
        return Account("1")

    engine.connector.identify = identify  # type: ignore[method-assign]
    async with engine:
        await engine.start(input="a-long-key-1")
    assert shown == ["[redacted]"]
    async with key_engine(tmp_path) as engine:
        assert engine.redactor.redact("key: a-long-key-1") == "key: [redacted]"


@in_event_loop
async def test_a_write_whose_caller_is_gone_is_completed_before_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = JsonFile.write

    def write_slowly(file: JsonFile, value: JsonObject) -> None:
        sleep(0.2)
        write(file, value)

    async with key_engine(tmp_path) as engine:
        monkeypatch.setattr(JsonFile, "write", write_slowly)
        caller = asyncio.create_task(engine.connections.set_tokens(CONNECTOR, "default", KEY))
        await asyncio.sleep(0.05)
        caller.cancel()
        await asyncio.wait({caller})
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert "key-1" in token_file(tmp_path).read_text()
