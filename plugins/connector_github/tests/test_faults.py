"""What goes wrong with GitHub, and what the person then reads."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from tests.fakes.github import FakeGitHub
from tests.fakes.loopback_network import LoopbackNetwork
from xo_cowork_core.sdk.testing import Connections, LiveServer, eventually

CLI = "/api/connectors/github/cli"
UNKNOWN_SESSION = "0" * 32


def start(connections: Connections) -> dict[str, Any]:
    answer = connections.http.post(f"{CLI}/start")
    assert answer.status_code == 200, answer.text
    return answer.json()


def poll(connections: Connections, session_id: str) -> dict[str, Any]:
    answer = connections.http.post(f"{CLI}/poll", json={"session_id": session_id})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ends_as(connections: Connections, session_id: str, status: str) -> dict[str, Any]:
    eventually(lambda: poll(connections, session_id)["status"] == status, 20, status)
    return poll(connections, session_id)


def detail(connections: Connections) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", connections.status(verify=True)["detail"])


def sign_in_with_token(connections: Connections, token: str) -> None:
    answer = connections.http.post("/api/connectors/github/token", json={"token": token})
    assert answer.status_code == 200, answer.text


def restart(connections: Connections) -> Connections:
    """Return the routes of the next server, which checks its connections anew."""
    connections.server.restart()
    return Connections(connections.server, connections.name)


class TestCodes:
    """The device flow."""

    def test_an_approved_code_signs_in_and_can_be_polled_again(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        started = start(connections)
        assert started["verification_uri"] == "https://github.com/login/device"
        assert 800 < started["expires_in"] <= 900
        assert start(connections) == {**started, "expires_in": start(connections)["expires_in"]}
        assert poll(connections, started["session_id"])["status"] == "pending"
        github.approve(started["user_code"])
        ends_as(connections, started["session_id"], "approved")
        assert poll(connections, started["session_id"])["status"] == "approved"
        status = connections.status()
        assert (status["auth_method"], status["username"]) == ("device_code", "octo-test")
        assert status["scopes"] == ["repo", "read:org", "workflow"]

    def test_a_refused_code_is_denied(self, connections: Connections, github: FakeGitHub) -> None:
        started = start(connections)
        github.deny(started["user_code"])
        ended = ends_as(connections, started["session_id"], "denied")
        assert ended["message"] == "Access was denied."
        assert connections.status()["status"] == "needs_auth"

    def test_a_code_that_expires_is_expired(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        started = start(connections)
        github.expire("devices")
        ends_as(connections, started["session_id"], "expired")

    def test_polls_that_are_too_fast_are_slowed_down_and_lose_nothing(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        started = start(connections)
        github.fault("token", 200, {"error": "slow_down", "interval": 2})
        eventually(lambda: not github.has_faults, 10, "one poll was too fast")
        assert poll(connections, started["session_id"])["status"] == "pending"
        github.approve(started["user_code"])
        ends_as(connections, started["session_id"], "approved")

    def test_a_failing_token_endpoint_is_asked_again(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        started = start(connections)
        github.approve(started["user_code"])
        github.fault("token", 503, "<h1>Unicorn!</h1>")
        ends_as(connections, started["session_id"], "approved")

    def test_a_restart_in_the_middle_loses_no_sign_in(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        started = start(connections)
        connections.server.kill()
        github.approve(started["user_code"])
        connections.server.start()
        after = Connections(connections.server, connections.name)
        ends_as(after, started["session_id"], "approved")
        assert after.status()["connected"]

    def test_a_client_id_that_github_does_not_know_says_so(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        github.fault("device", 404, {"error": "Not Found"})
        answer = connections.http.post(f"{CLI}/start")
        assert answer.status_code == 502
        assert "Not Found" not in connections.status()["detail"]["reason"]
        assert start(connections)["user_code"]

    def test_a_cancelled_code_is_denied(self, connections: Connections) -> None:
        session_id = start(connections)["session_id"]
        for _ in range(2):
            answer = connections.http.post(f"{CLI}/cancel", json={"session_id": session_id})
            assert answer.json() == {"ok": True}
        assert poll(connections, session_id)["status"] == "denied"

    def test_a_pasted_token_that_is_awaited_gives_way_to_a_code(
        self, connections: Connections
    ) -> None:
        waiting = connections.connect(method="pat")
        assert waiting["needs_input"]
        assert start(connections)["user_code"]
        assert connections.flow(waiting["flow_id"])["state"] == "cancelled"

    @pytest.mark.parametrize("action", ["poll", "cancel"])
    def test_an_unknown_session_is_not_found(self, connections: Connections, action: str) -> None:
        body = {"session_id": UNKNOWN_SESSION}
        assert connections.http.post(f"{CLI}/{action}", json=body).status_code == 404
        assert connections.http.post(f"{CLI}/{action}", json={}).status_code == 400


class TestPastedTokens:
    """Personal access tokens."""

    def test_a_classic_token_shows_its_scopes(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        sign_in_with_token(connections, github.create_token(["repo", "gist"]))
        status = connections.status()
        assert (status["scopes"], status["auth_method"]) == (["repo", "gist"], "pat")
        assert set(github.api.user_agents) == {"xo-cowork"}

    def test_a_fine_grained_token_has_no_scopes_to_show(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        sign_in_with_token(connections, github.create_token(None))
        assert connections.status()["scopes"] == []

    def test_a_token_that_github_refuses_is_a_bad_request(self, connections: Connections) -> None:
        body = {"token": "ghp_unknown0123456789"}
        answer = connections.http.post("/api/connectors/github/token", json=body)
        assert answer.status_code == 400, answer.text
        assert connections.status()["status"] == "needs_auth"

    def test_a_revoked_token_needs_a_new_sign_in(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        sign_in_with_token(connections, github.create_token())
        github.revoke_all()
        after = restart(connections)
        assert detail(after)["state"] == "needs_reauth"
        assert after.status()["error"]

    @pytest.mark.parametrize("status", [403, 429])
    def test_a_rate_limit_is_no_refusal_and_says_until_when(
        self, connections: Connections, github: FakeGitHub, status: int
    ) -> None:
        sign_in_with_token(connections, github.create_token())
        github.reach_rate_limit(seconds=1800, status=status)
        after = restart(connections)
        state = detail(after)
        assert (state["state"], after.status()["connected"]) == ("degraded", True)
        assert state["reason"] == "The rate limit of the service is reached."
        left = datetime.fromisoformat(state["next_try"]) - datetime.now(UTC)
        assert timedelta(minutes=28) < left <= timedelta(minutes=30, seconds=5)

    def test_a_rate_limit_at_a_sign_in_can_be_tried_again(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        token = github.create_token()
        github.reach_rate_limit()
        flow = connections.connect(method="pat", input=token)
        assert (flow["state"], flow["needs_input"]) == ("awaiting_user", True)
        github.clear()
        assert connections.submit(flow["flow_id"], token)["state"] == "completed"

    def test_a_failing_api_keeps_the_connection(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        sign_in_with_token(connections, github.create_token())
        github.fault("userinfo", 502, "<h1>Unicorn!</h1>", times=50)
        after = restart(connections)
        assert detail(after)["state"] == "degraded"
        assert after.status()["connected"]

    def test_an_answer_that_is_no_account_keeps_the_connection(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        sign_in_with_token(connections, github.create_token())
        github.fault("userinfo", 200, {"login": "octo-test"}, times=50)
        after = restart(connections)
        assert detail(after)["state"] == "degraded"

    def test_a_pasted_token_is_not_revoked_at_github(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        form = "/api/secrets/schema/connector_github"
        secret = {"values": {"GITHUB_CLIENT_SECRET": "client-secret"}}
        assert connections.http.put(form, json=secret).status_code == 200
        for scopes in (["repo"], None):
            token = github.create_token(scopes)
            sign_in_with_token(connections, token)
            connections.disconnect()
            assert github.is_valid(token)
        assert not github.requests("revoke")
        connections.http.delete("/api/secrets/GITHUB_CLIENT_SECRET")


class TestRefresh:
    """Tokens of a GitHub App, which live for 8 hours."""

    def test_a_refused_refresh_needs_a_new_sign_in(
        self, connections: Connections, github: FakeGitHub
    ) -> None:
        github.store.lifetimes.access_seconds = 2
        try:
            started = start(connections)
            github.approve(started["user_code"])
            ends_as(connections, started["session_id"], "approved")
            github.revoke_all()
            eventually(
                lambda: detail(connections)["state"] == "needs_reauth", 20, "the refresh is refused"
            )
        finally:
            github.store.lifetimes.access_seconds = 3600
        assert github.requests("token", grant_type="refresh_token")


def test_without_a_client_id_and_gh_a_code_is_impossible_and_the_answer_says_what_to_do(
    network: LoopbackNetwork, github: FakeGitHub
) -> None:
    environment = {**network.environment, "XO_PLUGINS": "connector_github", "PATH": "/nowhere"}
    with LiveServer(environment=environment) as server:
        connections = Connections(server, "github")
        answer = connections.http.post(f"{CLI}/start")
        assert answer.status_code == 503
        assert "GITHUB_CLIENT_ID" in answer.json()["detail"]
        assert [method["id"] for method in connections.methods()] == ["pat"]
        # a key that is set while the server runs counts from the next sign-in on
        body = {"values": {"GITHUB_CLIENT_ID": "test-client"}}
        path = "/api/secrets/schema/connector_github"
        assert connections.http.put(path, json=body).status_code == 200
        assert [method["id"] for method in connections.methods()] == ["device_code", "pat"]
        assert start(connections)["user_code"]
