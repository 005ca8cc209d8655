"""The sign-in of the server without routes: refresh, storage, and the sign-in of the settings."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.fakes.xo_service import USER_ID, FakeXoService, Fault
from tests.support.connectors.engine import eventually
from tests.support.turn_engine import FakeClock, in_event_loop
from xo_cowork_core.sdk import Unauthorized, UpstreamFailed
from xo_cowork_core.services.connectors.errors import StorageFailed
from xo_cowork_core.services.connectors.token_store import TokenStore
from xo_cowork_core.services.http import SharedHttpClient
from xo_cowork_core.services.identity import sign_in_consumer
from xo_cowork_core.services.identity.identity import Identity, IdentitySettings
from xo_cowork_core.services.identity.identity_api import IdentityApi, IdentityPaths
from xo_cowork_core.services.identity.sign_in_journal import SignInJournal
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.storage.json_file import JsonFile

PATHS = IdentityPaths(
    start="/auth/browser/start",
    status="/auth/browser/status",
    consume="/auth/browser/consume",
    refresh="/auth/browser/refresh",
    user_id="/get-user-id",
)
REFRESH, CONSUME = PATHS.refresh, PATHS.consume


@pytest.fixture
def service() -> Iterator[FakeXoService]:
    with FakeXoService() as running:
        yield running


@asynccontextmanager
async def running(
    service: FakeXoService,
    folder: Path,
    clock: FakeClock,
    *,
    url: str = "",
    configured: tuple[str, str] = ("", ""),
) -> AsyncIterator[Identity]:
    http, redactor = SharedHttpClient(), SecretRedactor()
    base_url = url or service.url
    identity = Identity(
        IdentitySettings(base_url, SecretStr(""), configured[0], SecretStr(configured[1])),
        IdentityApi(http, base_url, PATHS, clock),
        TokenStore(folder / "tokens", redactor),
        SignInJournal(folder / "sign-ins.json", redactor),
        clock,
    )
    await identity.start()
    identity.start_requests()
    try:
        yield identity
    finally:
        await identity.stop()
        await http.close()


async def sign_in(identity: Identity, service: FakeXoService) -> str:
    auth_session_id, poll_token = service.open_sign_in()
    await identity.consume(auth_session_id, SecretStr(poll_token))
    return (await identity.token()).get_secret_value()


def refuse_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(_: JsonFile, value: dict[str, Any]) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(JsonFile, "write", write)


@in_event_loop
async def test_fifty_parallel_callers_make_one_refresh(
    tmp_path: Path, service: FakeXoService
) -> None:
    clock = FakeClock()
    async with running(service, tmp_path, clock) as identity:
        old = await sign_in(identity, service)
        clock.advance(3600 - 30)
        tokens = await asyncio.gather(*(identity.token() for _ in range(50)))
        assert len({token.get_secret_value() for token in tokens}) == 1
        assert tokens[0].get_secret_value() != old
        assert len(service.sent(REFRESH)) == 1
        assert tokens[0].get_secret_value() in (tmp_path / "tokens" / "xo.json").read_text()


@in_event_loop
async def test_a_new_token_is_stored_before_it_is_used(
    tmp_path: Path, service: FakeXoService, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    async with running(service, tmp_path, clock) as identity:
        await sign_in(identity, service)
        clock.advance(3600)
        with monkeypatch.context() as patch:
            refuse_writes(patch)
            with pytest.raises(UpstreamFailed):
                await identity.token()
        clock.advance(120)
        token = (await identity.token()).get_secret_value()
        # the rotated token was not requested a second time
        assert len(service.sent(REFRESH)) == 1
        assert token in service.tokens
        assert token in (tmp_path / "tokens" / "xo.json").read_text()


@in_event_loop
async def test_a_sign_in_that_cannot_be_stored_is_an_error_and_keeps_the_old_one(
    tmp_path: Path, service: FakeXoService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(service, tmp_path, FakeClock()) as identity:
        before = await sign_in(identity, service)
        with monkeypatch.context() as patch:
            refuse_writes(patch)
            with pytest.raises(StorageFailed):
                await sign_in(identity, service)
        assert (await identity.token()).get_secret_value() == before


@pytest.mark.parametrize("fault", [Fault(503), Fault(cut=True), Fault(200, b"junk"), Fault(404)])
def test_a_fault_that_passes_never_deletes_the_sign_in(
    tmp_path: Path, service: FakeXoService, fault: Fault
) -> None:
    @in_event_loop
    async def run() -> None:
        clock = FakeClock()
        async with running(service, tmp_path, clock) as identity:
            old = await sign_in(identity, service)
            service.faults[REFRESH] = fault
            clock.advance(3600 - 10)
            # the old token is valid for another 10 s
            assert (await identity.token()).get_secret_value() == old
            assert identity.state().authenticated
        service.faults.clear()
        async with running(service, tmp_path, clock) as identity:
            clock.advance(60)
            assert (await identity.token()).get_secret_value() != old

    run()


@in_event_loop
async def test_a_service_that_renews_nothing_signs_out_at_the_expiry_and_not_before(
    tmp_path: Path, service: FakeXoService
) -> None:
    clock = FakeClock()
    async with running(service, tmp_path, clock) as identity:
        await sign_in(identity, service)
        service.faults[REFRESH] = Fault(404)
        clock.advance(3600 - 10)
        await identity.token()
        clock.advance(120)
        with pytest.raises(Unauthorized):
            await identity.token()
        assert not identity.state().authenticated


@in_event_loop
async def test_a_token_is_never_sent_to_another_service(
    tmp_path: Path, service: FakeXoService
) -> None:
    with FakeXoService() as other:
        async with running(service, tmp_path, FakeClock()) as identity:
            await sign_in(identity, service)
        async with running(service, tmp_path, FakeClock(), url=other.url) as identity:
            with pytest.raises(Unauthorized):
                await identity.token()
            assert not identity.state().authenticated
            await sign_in(identity, other)
        assert not [r for r in other.requests if "authorization" in r.headers]
        # the sign-in of the first service is still there
        async with running(service, tmp_path, FakeClock()) as identity:
            assert (await identity.whoami()).id == USER_ID


@in_event_loop
async def test_the_configured_sign_in_is_consumed_once_over_restarts(
    tmp_path: Path, service: FakeXoService
) -> None:
    configured = service.open_sign_in()
    for _ in range(2):
        async with running(service, tmp_path, FakeClock(), configured=configured) as identity:
            await eventually(lambda: identity.state().authenticated, bool)
    async with running(service, tmp_path, FakeClock(), configured=configured) as identity:
        await identity.logout()
    async with running(service, tmp_path, FakeClock(), configured=configured) as identity:
        assert not identity.state().authenticated
    assert len(service.sent(CONSUME)) == 1
    assert configured[0] not in (tmp_path / "sign-ins.json").read_text()


@in_event_loop
async def test_a_configured_sign_in_that_is_refused_is_not_tried_again(
    tmp_path: Path, service: FakeXoService
) -> None:
    configured = ("as_unknown", "pt_unknown")
    stored = tmp_path / "sign-ins.json"
    for _ in range(2):
        async with running(service, tmp_path, FakeClock(), configured=configured):
            await eventually(
                lambda: stored.exists() and '"consumed": ["' in stored.read_text(), bool
            )
    assert len(service.sent(CONSUME)) == 1


@in_event_loop
async def test_a_configured_sign_in_waits_for_a_service_that_is_down(
    tmp_path: Path, service: FakeXoService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_consumer, "FIRST_RETRY_SECONDS", 0.02)
    configured = service.open_sign_in()
    service.faults[CONSUME] = Fault(503)
    async with running(service, tmp_path, FakeClock(), configured=configured) as identity:
        await eventually(lambda: len(service.sent(CONSUME)), lambda count: count > 1)
        service.faults.clear()
        await eventually(lambda: identity.state().authenticated, bool)


@in_event_loop
async def test_a_client_that_leaves_does_not_lose_the_tokens(
    tmp_path: Path, service: FakeXoService
) -> None:
    async with running(service, tmp_path, FakeClock()) as identity:
        auth_session_id, poll_token = service.open_sign_in()
        service.faults[CONSUME] = Fault(silence_seconds=0.2, status=500)
        consuming = asyncio.create_task(identity.consume(auth_session_id, SecretStr(poll_token)))
        await eventually(lambda: service.sent(CONSUME), bool)
        service.faults.clear()
        consuming.cancel()
        await asyncio.wait({consuming})
        auth_session_id, poll_token = service.open_sign_in()
        consuming = asyncio.create_task(identity.consume(auth_session_id, SecretStr(poll_token)))
        await asyncio.sleep(0)
        consuming.cancel()
        await eventually(lambda: identity.state().authenticated, bool)


@in_event_loop
async def test_a_damaged_file_is_set_aside_and_a_new_sign_in_works(
    tmp_path: Path, service: FakeXoService
) -> None:
    for name in ("tokens/xo.json", "sign-ins.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"version": 1, "pen')
    async with running(service, tmp_path, FakeClock()) as identity:
        assert not identity.state().authenticated
        await sign_in(identity, service)
    assert len([*tmp_path.rglob("*.broken-*")]) == 2
