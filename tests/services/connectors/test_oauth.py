"""Discovery, registration, client authentication and revocation against a real server."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from tests.support.connectors.engine import CONNECTOR, ConnectorEngine, UserinfoConnector
from tests.support.connectors.fixtures import oauth_engine
from tests.support.turn_engine import FakeClock, in_event_loop
from xo_cowork_core.sdk.connector import AuthorizationCode, DeviceCode, OAuthClient, OAuthServer
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.services.auth_flows.views import FlowView
from xo_cowork_core.services.connectors.errors import (
    NeedsAuth,
    RegistrationFailed,
    UpstreamError,
)

REGISTERED = OAuthClient(register=True, client_name="XO test")


@in_event_loop
async def test_endpoints_are_discovered_from_a_protected_resource(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    method = AuthorizationCode(OAuthServer(resource=server.url), OAuthClient("test-client"))
    async with oauth_engine(tmp_path, server, method) as engine:
        await engine.signed_in(server)
        assert len(server.requests("resource_metadata")) == 1
        [authorization] = server.requests("authorize")
        assert authorization.parameters["resource"].rstrip("/") == server.url
        assert authorization.parameters["code_challenge_method"] == "S256"
        [exchange] = server.requests("token")
        assert exchange.parameters["resource"].rstrip("/") == server.url
        await engine.signed_in(server)
        assert len(server.requests("server_metadata")) == 1


@in_event_loop
async def test_declared_endpoints_are_enough_when_metadata_fails(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    declared = OAuthServer(
        issuer=server.url,
        authorization_endpoint=f"{server.url}/authorize",
        token_endpoint=f"{server.url}/token",
    )
    server.fault("server_metadata", 500, times=9)
    method = AuthorizationCode(declared, OAuthClient("test-client"))
    async with oauth_engine(tmp_path, server, method) as engine:
        await engine.signed_in(server)


@in_event_loop
async def test_a_client_registers_once_for_a_redirect_and_again_when_it_was_forgotten(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    clock = FakeClock()
    method = AuthorizationCode(OAuthServer(issuer=server.url), REGISTERED)
    async with oauth_engine(tmp_path, server, method, clock=clock) as engine:
        await engine.signed_in(server)
    async with oauth_engine(tmp_path, server, method, clock=clock) as engine:
        await engine.signed_in(server)
        [registration] = server.requests("register")
        assert registration.parameters["client_name"] == "XO test"
        file = tmp_path / "registrations.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        server.forget_clients()
        clock.advance(7200)
        with pytest.raises(NeedsAuth):
            await engine.connections.get(CONNECTOR)
        assert engine.connections.status(CONNECTOR).state == "needs_reauth"
        await engine.signed_in(server)
        assert len(server.requests("register")) == 2


@in_event_loop
async def test_a_flow_that_was_given_up_gives_its_registration_up(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    """A server that does not know a client shows an error page and never sends the browser back."""
    method = AuthorizationCode(OAuthServer(issuer=server.url), REGISTERED)
    async with oauth_engine(tmp_path, server, method) as engine:
        first = await engine.start()
        server.forget_clients()
        await engine.flows.cancel(CONNECTOR, first.flow_id)
        await engine.signed_in(server)
        assert len(server.requests("register")) == 2


@in_event_loop
async def test_a_device_client_registers_again_at_once(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    method = DeviceCode(OAuthServer(issuer=server.url), REGISTERED)
    async with oauth_engine(tmp_path, server, method) as engine:
        flow = await engine.start()
        await engine.flows.cancel(CONNECTOR, flow.flow_id)
        server.forget_clients()
        flow = await engine.start()
        await asyncio.to_thread(server.approve, flow.user_code)
        await engine.reaches(flow, "completed")


@in_event_loop
async def test_a_refused_registration_ends_the_start(tmp_path: Path) -> None:
    with FakeOAuthServer() as server:
        method = AuthorizationCode(OAuthServer(issuer=server.url), REGISTERED)
        server.fault("register", 400, {"error": "invalid_redirect_uri"})
        async with oauth_engine(tmp_path, server, method) as engine:
            with pytest.raises(RegistrationFailed):
                await engine.start()


@in_event_loop
async def test_a_damaged_file_of_registrations_is_kept_aside(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    (tmp_path / "registrations.json").write_text("[")
    method = AuthorizationCode(OAuthServer(issuer=server.url), REGISTERED)
    async with oauth_engine(tmp_path, server, method) as engine:
        await engine.signed_in(server)
    assert [path.read_text() for path in tmp_path.glob("registrations.json.broken-*")] == ["["]
    stored = json.loads((tmp_path / "registrations.json").read_text())
    assert len(stored["registrations"]) == 1


@pytest.mark.parametrize("authentication", ["basic", "post"])
def test_a_confidential_client_takes_its_secret_from_the_plugin(
    tmp_path: Path, server: FakeOAuthServer, authentication: str
) -> None:
    server.add_client("their-client", "their secret/+=%")
    client = OAuthClient(
        client_id_key="ACME_ID", client_secret_key="ACME_SECRET", authentication=authentication
    )
    method = AuthorizationCode(OAuthServer(issuer=server.url), client)
    secrets = {"ACME_ID": "their-client", "ACME_SECRET": "their secret/+=%"}

    async def run() -> None:
        async with oauth_engine(tmp_path, server, method, secrets=secrets) as engine:
            await engine.signed_in(server)
            assert {each.authentication for each in server.requests("token")} == {authentication}
        for file in tmp_path.rglob("*.json"):
            assert "their secret" not in file.read_text()

    asyncio.run(run())


@in_event_loop
async def test_disconnect_revokes_both_tokens_and_deletes_them(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    method = AuthorizationCode(OAuthServer(issuer=server.url), OAuthClient("test-client"))
    async with oauth_engine(tmp_path, server, method) as engine:
        await engine.signed_in(server)
        tokens = await engine.connections.get(CONNECTOR)
        status = await engine.connections.disconnect(CONNECTOR)
        assert status.state == "disconnected"
        assert not server.is_valid(tokens.access_token.get_secret_value())
        hints = [each.parameters["token_type_hint"] for each in server.requests("revoke")]
        assert hints == ["refresh_token", "access_token"]
        stored = (tmp_path / "tokens" / f"{CONNECTOR}.json").read_text()
        assert tokens.access_token.get_secret_value() not in stored


@in_event_loop
async def test_disconnect_works_while_the_provider_is_down(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    method = AuthorizationCode(OAuthServer(issuer=server.url), OAuthClient("test-client"))
    async with oauth_engine(tmp_path, server, method) as engine:
        await engine.signed_in(server, connection="work")
        await asyncio.to_thread(server.close)
        await engine.connections.disconnect(CONNECTOR, "work")
        assert [each.connection for each in engine.connections.statuses()] == ["default"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"issuer": "https://evil.test"}, "another issuer"),
        ("<html>", "not JSON"),
        ([], "not an object"),
    ],
)
def test_metadata_that_cannot_be_trusted_is_refused(
    tmp_path: Path, server: FakeOAuthServer, document: object, reason: str
) -> None:
    method = AuthorizationCode(OAuthServer(issuer=server.url), OAuthClient("test-client"))

    async def run() -> FlowView:
        async with oauth_engine(tmp_path, server, method) as engine:
            return await engine.start()

    server.fault("server_metadata", 200, document)  # type: ignore[arg-type]
    with pytest.raises(UpstreamError, match=reason):
        asyncio.run(run())


@pytest.mark.parametrize(
    "url", ["http://acme.test", "ftp://acme.test", "acme.test", "https://", "http://[::1", "//x"]
)
def test_servers_are_https_or_on_this_machine(tmp_path: Path, url: str) -> None:
    method = AuthorizationCode(
        OAuthServer(authorization_endpoint=url, token_endpoint=url), OAuthClient("c")
    )

    async def run() -> FlowView:
        connector = UserinfoConnector(None, [method])
        async with ConnectorEngine(tmp_path, connector) as engine:
            return await engine.start()

    with pytest.raises(UpstreamError):
        asyncio.run(run())


@in_event_loop
async def test_a_refused_revocation_is_logged_and_deletes_the_tokens(
    tmp_path: Path, server: FakeOAuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    method = AuthorizationCode(OAuthServer(issuer=server.url), OAuthClient("test-client"))
    async with oauth_engine(tmp_path, server, method) as engine:
        await engine.signed_in(server)
        server.fault("revoke", 400, {"error": "unsupported_token_type"})
        assert (await engine.connections.disconnect(CONNECTOR)).state == "disconnected"
    assert "the tokens were not revoked" in caplog.text
    assert "unsupported_token_type" in caplog.text


@in_event_loop
async def test_a_registration_asks_for_the_scopes_of_its_method(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    method = AuthorizationCode(OAuthServer(issuer=server.url), REGISTERED, scopes=("a", "b"))
    async with oauth_engine(tmp_path, server, method) as engine:
        await engine.start()
        [registration] = server.requests("register")
        assert registration.parameters["scope"] == "a b"
        assert registration.parameters["token_endpoint_auth_method"] == "none"


@in_event_loop
async def test_metadata_of_another_resource_is_refused(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    method = AuthorizationCode(OAuthServer(resource=server.url), OAuthClient("test-client"))
    document = {"resource": "https://evil.test", "authorization_servers": [server.url]}
    server.fault("resource_metadata", 200, document)
    async with oauth_engine(tmp_path, server, method) as engine:
        with pytest.raises(UpstreamError, match="another resource"):
            await engine.start()
        assert server.requests("server_metadata") == []
