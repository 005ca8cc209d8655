"""The device flow of the fake authorization server, in both styles."""

from urllib.parse import parse_qs

import httpx

from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer

from .conftest import OAuthTestClient


def test_a_device_gets_tokens_after_the_approval(client, server, clock) -> None:
    device = client.post("/device_authorization", scope="read").json()
    assert device["interval"] == 5
    assert device["verification_uri_complete"].endswith(device["user_code"])
    assert client.poll(device["device_code"]).json()["error"] == "authorization_pending"
    assert server.approve(device["user_code"]) == 1
    clock.seconds += 5
    tokens = client.poll(device["device_code"]).json()
    assert client.userinfo(tokens["access_token"]).status_code == 200
    assert client.poll(device["device_code"]).json()["error"] == "invalid_grant"


def test_a_denied_device_is_told_so(client, server) -> None:
    device = client.post("/device_authorization").json()
    server.deny()
    assert client.poll(device["device_code"]).json()["error"] == "access_denied"


def test_a_poll_that_comes_early_makes_the_interval_longer(client, clock) -> None:
    device = client.post("/device_authorization").json()
    client.poll(device["device_code"])
    clock.seconds += 2
    assert client.poll(device["device_code"]).json() == {"error": "slow_down", "interval": 10}
    clock.seconds += 7
    assert client.poll(device["device_code"]).json()["error"] == "slow_down"
    clock.seconds += 15
    assert client.poll(device["device_code"]).json()["error"] == "authorization_pending"


def test_an_expired_device_code_is_refused(client, server) -> None:
    device = client.post("/device_authorization").json()
    server.expire("devices")
    assert client.poll(device["device_code"]).json()["error"] == "expired_token"


def test_a_person_decides_on_the_page(client) -> None:
    device = client.post("/device_authorization").json()
    page = client.http.get(device["verification_uri_complete"])
    assert device["user_code"] in page.text
    client.http.get("/device", params={"user_code": device["user_code"], "decision": "approve"})
    assert "access_token" in client.poll(device["device_code"]).json()


def test_the_github_style_answers_errors_with_200() -> None:
    with (
        FakeOAuthServer(device_style="github") as server,
        httpx.Client(base_url=server.url, timeout=30, trust_env=False) as http,
    ):
        client = OAuthTestClient(server, http)
        http.headers["Accept"] = "application/json"
        device = client.post("/device_authorization").json()
        pending = client.poll(device["device_code"])
        assert pending.status_code == 200
        assert pending.json()["error"] == "authorization_pending"
        server.approve()
        assert client.poll(device["device_code"]).json()["error"] == "slow_down"


def test_the_github_style_sends_forms_and_tokens_without_an_end(clock) -> None:
    with (
        FakeOAuthServer(device_style="github", clock=clock) as server,
        httpx.Client(base_url=server.url, timeout=30, trust_env=False) as http,
    ):
        client = OAuthTestClient(server, http)
        device = parse_qs(client.post("/device_authorization").text)
        server.approve()
        tokens = parse_qs(client.poll(device["device_code"][0]).text)
        assert tokens.keys() == {"access_token", "token_type"}
        clock.seconds += 1e9
        assert server.is_valid(tokens["access_token"][0])


def test_the_style_of_a_github_app_has_tokens_that_expire_and_names_of_its_own(clock) -> None:
    with (
        FakeOAuthServer(
            device_style="github_app",
            issuer="https://github.test",
            device_page="/login/device",
            clock=clock,
        ) as server,
        httpx.Client(base_url=server.url, timeout=30, trust_env=False) as http,
    ):
        client = OAuthTestClient(server, http)
        http.headers["Accept"] = "application/json"
        device = client.post("/device_authorization").json()
        assert device["verification_uri"] == "https://github.test/login/device"
        assert http.get("/login/device", params={"user_code": device["user_code"]}).is_success
        server.approve()
        tokens = client.poll(device["device_code"]).json()
        assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 3600)
        assert client.poll(device["device_code"]).json()["error"] == "incorrect_device_code"
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert "access_token" in client.post("/token", **refresh).json()
        again = client.post("/token", **refresh)
        assert (again.status_code, again.json()["error"]) == (200, "bad_refresh_token")
        stranger = http.post("/token", data={**refresh, "client_id": "other"})
        assert stranger.json()["error"] == "incorrect_client_credentials"
