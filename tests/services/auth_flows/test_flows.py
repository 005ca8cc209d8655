"""Sign-ins against a real authorization server on the loopback."""

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.connectors.engine import (
    CONNECTOR,
    ConnectorEngine,
    UserinfoConnector,
    code_method,
    device_method,
)
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import BadRequest, NotFound, Unauthorized, Unavailable
from xo_cowork_core.sdk.connector import (
    Account,
    ApiKey,
    AuthorizationCode,
    LoopbackRedirect,
    OAuthClient,
    OAuthServer,
    TokenSet,
)
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.sdk.testing.ports import free_port
from xo_cowork_core.services.auth_flows.views import FlowView
from xo_cowork_core.services.connectors.errors import (
    FlowBusy,
    FlowNotFound,
    FlowNotWaiting,
    NotConfigured,
    StateMismatch,
    UpstreamUnreachable,
)


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        return await client.get(url)


def redirect_of(server: FakeOAuthServer, flow: FlowView) -> str:
    assert flow.authorize_url
    return server.visit(flow.authorize_url)


@in_event_loop
async def test_the_browser_comes_back_to_the_loopback_listener(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.signed_in(server)
        assert flow.account and flow.account.username == "octo"
        assert flow.authorize_url is None
        status = engine.connections.status(CONNECTOR)
        assert (status.state, status.account) == ("connected", flow.account)
        tokens = await engine.connections.get(CONNECTOR)
        assert server.is_valid(tokens.access_token.get_secret_value())


@in_event_loop
async def test_a_device_is_approved_on_another_page(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [device_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.start()
        assert flow.user_code and flow.verification_uri
        await asyncio.to_thread(server.approve, flow.user_code)
        await engine.reaches(flow, "completed")


@in_event_loop
async def test_github_style_device_answers_are_understood(tmp_path: Path) -> None:
    with FakeOAuthServer(device_style="github") as server:
        connector = UserinfoConnector(server, [device_method(server)])
        async with ConnectorEngine(tmp_path, connector) as engine:
            denied = await engine.start()
            await asyncio.to_thread(server.deny, denied.user_code)
            ended = await engine.reaches(denied, "failed")
            assert ended.error and ended.error.code == "access_denied"
            approved = await engine.start()
            await asyncio.to_thread(server.approve, approved.user_code)
            await engine.reaches(approved, "completed")


@in_event_loop
async def test_stray_requests_to_the_listener_change_nothing(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.start()
        answer = await asyncio.to_thread(redirect_of, server, flow)
        parts = urlsplit(answer)
        origin = f"http://{parts.netloc}"
        for path in (
            "/",
            "/favicon.ico",
            "/callback",
            "/callback?code=x&state=wrong",
            "/callback?error=access_denied&state=wrong",
            "/callback?error=access_denied",
            "/other?" + parts.query,
            f"/callback?{parts.query}&state=wrong",
        ):
            response = await get(origin + path)
            assert response.status_code == 400, path
            assert "wrong" not in response.text
        reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
        writer.write(b"POST /callback HTTP/1.1\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()
        assert engine.flows.read(CONNECTOR, flow.flow_id) == flow
        page = await get(answer)
        assert page.status_code == 200
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert (await engine.reaches(flow, "completed")).error is None
        with pytest.raises(httpx.ConnectError):
            await get(origin)


@in_event_loop
async def test_a_pasted_url_of_another_flow_is_refused_before_anything_is_sent(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        old = await engine.start()
        answer = await asyncio.to_thread(redirect_of, server, old)
        new = await engine.start(force=True, redirect="paste")
        assert engine.flows.read(CONNECTOR, old.flow_id).state == "cancelled"
        with pytest.raises(StateMismatch) as refusal:
            await engine.flows.submit(CONNECTOR, new.flow_id, answer)
        assert refusal.value.details["code"] == "state_mismatch"
        assert server.requests("token") == []
        right = await asyncio.to_thread(redirect_of, server, new)
        done = await engine.flows.submit(CONNECTOR, new.flow_id, right)
        assert (done.state, done.redirect) == ("completed", "paste")
        assert await engine.flows.submit(CONNECTOR, new.flow_id, right) == done
        with pytest.raises(FlowNotWaiting):
            await engine.flows.submit(CONNECTOR, new.flow_id, "another")


@in_event_loop
async def test_a_public_callback_selects_the_flow_by_its_state_and_works_once(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server, public_redirect=True)])
    public = "https://workspace.test/api/oauth/callback"
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.start(public_callback=public)
        answer = await asyncio.to_thread(redirect_of, server, flow)
        assert (flow.redirect, answer.startswith(public)) == ("public", True)
        query = dict(httpx.URL(answer).params)
        stray = await engine.flows.callback(query | {"state": "wrong"})
        assert (stray.ok, stray.flow) == (False, None)
        result = await engine.flows.callback(query)
        assert result.ok and result.flow and result.flow.state == "completed"
        again = await engine.flows.callback(query)
        assert (again.ok, again.flow) == (False, None)
        assert len(server.requests("token")) == 1


@in_event_loop
async def test_codes_are_not_sent_over_plain_http_to_a_public_address(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server, public_redirect=True)])
    plain = "http://workspace.test/api/oauth/callback"
    async with ConnectorEngine(tmp_path, connector) as engine:
        with pytest.raises(BadRequest):
            await engine.start(redirect="public", public_callback=plain)
        flow = await engine.start(public_callback=plain)
        assert flow.redirect == "loopback"


@in_event_loop
async def test_a_second_start_names_the_holder_unless_it_is_forced(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    port = free_port()
    fixed = LoopbackRedirect(port=port)
    connector = UserinfoConnector(server, [code_method(server, loopback=fixed)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        starts = [engine.start(), engine.start(connection="work"), engine.start()]
        first, *busy = await asyncio.gather(*starts, return_exceptions=True)
        assert isinstance(first, FlowView)
        for error in busy:
            assert isinstance(error, FlowBusy)
            assert error.details["flow_id"] == first.flow_id
            assert 0 <= error.details["age_seconds"] < 60
        second = await engine.start(connection="work", force=True)
        assert second.redirect == "loopback"
        superseded = engine.flows.read(CONNECTOR, first.flow_id)
        assert superseded.error and superseded.error.code == "superseded"


@in_event_loop
async def test_a_port_of_another_program_leaves_pasting(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        fixed = LoopbackRedirect(port=foreign.getsockname()[1])
        connector = UserinfoConnector(server, [code_method(server, loopback=fixed)])
        async with ConnectorEngine(tmp_path, connector) as engine:
            flow = await engine.start()
            assert (flow.state, flow.redirect) == ("awaiting_user", "paste")
            answer = await asyncio.to_thread(redirect_of, server, flow)
            done = await engine.flows.submit(CONNECTOR, flow.flow_id, answer)
            assert done.state == "completed"


@in_event_loop
async def test_a_failing_token_endpoint_lets_the_person_try_again(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.start()
        server.fault("token", 503)
        answer = await asyncio.to_thread(redirect_of, server, flow)
        page = await get(answer)
        assert page.status_code == 400
        waiting = engine.flows.read(CONNECTOR, flow.flow_id)
        assert waiting.state == "awaiting_user"
        assert waiting.error and waiting.error.code == "upstream_unreachable"
        assert (await get(answer)).status_code == 200
        await engine.reaches(flow, "completed")


@in_event_loop
async def test_denial_ends_a_flow(tmp_path: Path, server: FakeOAuthServer) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        server.consent = "deny"
        flow = await engine.start()
        await asyncio.to_thread(server.sign_in, flow.authorize_url or "")
        ended = await engine.reaches(flow, "failed")
        assert ended.error and ended.error.code == "access_denied"
        assert engine.connections.status(CONNECTOR).state == "needs_auth"


@in_event_loop
async def test_a_start_that_fails_raises_its_error(tmp_path: Path, server: FakeOAuthServer) -> None:
    unset = AuthorizationCode(
        OAuthServer(issuer=server.url), OAuthClient(client_id_key="ACME_ID"), id="unset"
    )
    connector = UserinfoConnector(server, [code_method(server), unset])
    async with ConnectorEngine(tmp_path, connector) as engine:
        server.fault("server_metadata", 503)
        with pytest.raises(UpstreamUnreachable):
            await engine.start()
        with pytest.raises(NotConfigured, match="ACME_ID"):
            await engine.start(method="unset")
        with pytest.raises(BadRequest):
            await engine.start(method="none-such")
        with pytest.raises(BadRequest):
            await engine.start(connection="../x")
        with pytest.raises(BadRequest):
            await engine.start(redirect="public")
        with pytest.raises(NotFound):
            await engine.flows.start("other", method=None)
        flow = await engine.start()
        with pytest.raises(FlowNotFound):
            engine.flows.read("other", flow.flow_id)


@in_event_loop
async def test_a_key_is_checked_and_a_wrong_one_may_be_replaced(tmp_path: Path) -> None:
    connector = UserinfoConnector(None, [ApiKey(pattern="key-.*")])
    async with ConnectorEngine(tmp_path, connector) as engine:
        connector.error = Unauthorized("No.")
        flow = await engine.start(input="key-1")
        assert flow.state == "awaiting_user"
        assert flow.error and flow.error.code == "invalid_key"
        connector.error = Unavailable("Down.")
        flow = await engine.flows.submit(CONNECTOR, flow.flow_id, "key-1")
        assert flow.error and flow.error.code == "upstream_unreachable"
        connector.error = None
        flow = await engine.flows.submit(CONNECTOR, flow.flow_id, "key-2")
        assert flow.state == "completed"
        tokens = await engine.connections.get(CONNECTOR)
        assert tokens.access_token.get_secret_value() == "key-2"


@in_event_loop
async def test_tokens_that_the_service_refuses_are_in_no_log(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    seen: list[str] = []

    async def identify(tokens: TokenSet) -> Account:
        seen.append(tokens.access_token.get_secret_value())
        raise Unauthorized("No.")

    async with ConnectorEngine(tmp_path, connector) as engine:
        connector.identify = identify  # type: ignore[method-assign]
        flow = await engine.start()
        await asyncio.to_thread(server.sign_in, flow.authorize_url or "")
        await engine.reaches(flow, "failed")
        assert seen
        assert engine.redactor.redact(f"it was {seen[0]}!") == "it was [redacted]!"


@in_event_loop
async def test_a_reconnection_with_another_account_is_refused(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        await engine.signed_in(server)
        before = await engine.connections.get(CONNECTOR)
        other = {"sub": "account-2", "preferred_username": "other", "email": ""}
        server.set_account(other)
        flow = await engine.start()
        await asyncio.to_thread(server.sign_in, flow.authorize_url or "")
        ended = await engine.reaches(flow, "failed")
        assert ended.error and ended.error.code == "account_mismatch"
        assert await engine.connections.get(CONNECTOR) == before
        await engine.signed_in(server, connection="work")
        await engine.connections.disconnect(CONNECTOR)
        done = await engine.signed_in(server)
        assert done.account and done.account.username == "other"
        names = [each.connection for each in engine.connections.statuses()]
        assert names == ["default", "work"]


@in_event_loop
async def test_cancel_ends_a_flow_but_not_its_connection(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.start()
        cancelled = await engine.flows.cancel(CONNECTOR, flow.flow_id)
        assert cancelled.state == "cancelled"
        with pytest.raises(httpx.ConnectError):
            await get(await asyncio.to_thread(redirect_of, server, flow))
        done = await engine.signed_in(server)
        assert await engine.flows.cancel(CONNECTOR, done.flow_id) == done
        assert engine.connections.status(CONNECTOR).state == "connected"


@in_event_loop
async def test_a_connector_that_failed_ends_its_flows(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.start()
        answer = await asyncio.to_thread(redirect_of, server, flow)
        engine.registry.remove(engine.record.name)
        assert engine.connections.statuses() == []
        assert (await get(answer)).status_code == 400
        ended = engine.flows.read(CONNECTOR, flow.flow_id)
        assert ended.error and ended.error.code == "not_configured"
        with pytest.raises(NotFound):
            await engine.connections.get(CONNECTOR)


@in_event_loop
async def test_tokens_wait_for_a_plugin_that_is_still_starting(tmp_path: Path) -> None:
    connector = UserinfoConnector(None, [ApiKey()])
    async with ConnectorEngine(tmp_path, connector) as engine:
        engine.record.set_state("starting")
        flow = await engine.start()
        submission = asyncio.create_task(engine.flows.submit(CONNECTOR, flow.flow_id, "key-1"))
        await engine.reaches(flow, "verifying")
        await asyncio.sleep(0.3)
        assert connector.identified == 0
        engine.record.set_state("ready")
        assert (await submission).state == "completed"


@in_event_loop
async def test_a_fault_of_the_engine_itself_ends_the_flow_at_once(
    tmp_path: Path, server: FakeOAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.start()

        async def fail(*_: object, **__: object) -> None:
            raise RuntimeError("oops")

        monkeypatch.setattr(engine.requests, "exchange_code", fail)
        page = await asyncio.to_thread(server.sign_in, flow.authorize_url or "")
        assert page.status_code == 400
        ended = engine.flows.read(CONNECTOR, flow.flow_id)
        assert ended.error and ended.error.code == "internal"
