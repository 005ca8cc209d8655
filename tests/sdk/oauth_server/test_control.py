"""What a test controls: faults, held answers, the log, metadata and registration."""

import threading

import httpx
import pytest

from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer

from .conftest import OAuthTestClient


def test_a_fault_replaces_as_many_answers_as_it_says(client, server) -> None:
    tokens = client.sign_in()
    server.fault("token", 503, {"error": "temporarily_unavailable"}, times=2)
    server.fault("userinfo", 429, "slow", headers={"Retry-After": "7"})
    assert client.refresh(tokens["refresh_token"]).status_code == 503
    assert client.refresh(tokens["refresh_token"]).status_code == 503
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    limited = client.userinfo(tokens["access_token"])
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")


def test_a_held_answer_comes_after_the_release(client, server) -> None:
    tokens = client.sign_in()
    answers: list[httpx.Response] = []
    with server.hold("token") as hold:
        caller = threading.Thread(
            target=lambda: answers.append(client.refresh(tokens["refresh_token"]))
        )
        caller.start()
        hold.wait()
        assert server.requests("token", grant_type="refresh_token")
        # the server has carried it out already
        assert not answers
        assert len(server.store.access) == 2
    caller.join(10)
    assert answers[0].status_code == 200


def test_the_log_finds_requests_by_their_parameters(client, server) -> None:
    tokens = client.sign_in()
    client.refresh(tokens["refresh_token"])
    client.userinfo(tokens["access_token"])
    assert len(server.requests("token")) == 2
    assert len(server.requests("token", grant_type="refresh_token")) == 1
    assert server.requests("authorize")[0].parameters["state"] == "abc"
    assert server.requests("userinfo")[0].authentication == "bearer"
    server.clear()
    assert not server.requests()


def test_the_metadata_lead_from_the_resource_to_the_endpoints(client, server) -> None:
    challenge = client.userinfo("none").headers["WWW-Authenticate"]
    resource = client.http.get(challenge.split('resource_metadata="')[1].rstrip('"')).json()
    assert resource["resource"] == server.url + "/userinfo"
    issuer = resource["authorization_servers"][0]
    document = client.http.get(
        issuer + "/.well-known/oauth-authorization-server", timeout=30
    ).json()
    assert document["issuer"] == issuer
    for name, url in document.items():
        if name.endswith("_endpoint"):
            assert client.http.request("PATCH", url).status_code == 405, name


def test_a_registered_client_signs_in_with_any_loopback_port(client, server) -> None:
    body = {
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
        "client_name": "Mine",
    }
    answer = client.http.post("/register", json=body)
    assert answer.status_code == 201
    registered = answer.json()
    assert registered["client_name"] == "Mine"
    assert "client_secret" not in registered
    mine = {"client_id": registered["client_id"]}
    code = client.authorize(**mine)["code"]
    assert client.exchange(code, **mine).status_code == 200
    with pytest.raises(AssertionError, match="redirect URI"):
        client.authorize(**mine, redirect_uri="https://evil.test/callback")
    server.forget_clients()
    assert client.exchange(code, **mine).json()["error"] == "invalid_client"


def test_registration_may_be_limited_or_off() -> None:
    with (
        FakeOAuthServer(loopback_redirects_only=True, sends_issuer=True) as server,
        httpx.Client(base_url=server.url, timeout=30, trust_env=False) as http,
    ):
        public = http.post("/register", json={"redirect_uris": ["https://a.test/cb"]})
        assert public.json()["error"] == "invalid_redirect_uri"
        local = http.post("/register", json={"redirect_uris": ["http://localhost:4/cb"]})
        assert local.json()["client_secret"]
        server.options.registers_clients = False
        assert http.post("/register", json={"redirect_uris": ["http://localhost/"]}).is_error
        document = http.get("/.well-known/oauth-authorization-server", timeout=30).json()
        assert "registration_endpoint" not in document
        assert OAuthTestClient(server, http).authorize()["iss"] == server.url


def test_the_consent_page_waits_for_a_decision(client, server) -> None:
    server.consent = "page"
    with pytest.raises(AssertionError, match="decision=deny"):
        client.authorize()
    assert client.authorize(decision="deny")["error"] == "access_denied"
    assert client.authorize(decision="approve")["code"]


def test_a_malformed_request_is_refused(client) -> None:
    headers = {"Content-Type": "application/json"}
    assert client.http.post("/register", content=b"{", headers=headers).status_code == 400


def test_a_restarted_server_keeps_its_port_and_grants(client, server) -> None:
    tokens, url = client.sign_in(), server.url
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, timeout=30, trust_env=False)
    server.start()
    assert server.url == url
    assert client.userinfo(tokens["access_token"]).status_code == 200
    server.revoke_all()
    assert client.userinfo(tokens["access_token"]).status_code == 401


def test_the_account_may_be_that_of_a_real_service() -> None:
    with FakeOAuthServer(
        account_path="/v2/user", account={"id": 7}, key_header="x-api-key"
    ) as server:
        server.accept_key("a-key")
        url = server.url + "/v2/user"
        for header in ({"x-api-key": "a-key"}, {"Authorization": "Bearer a-key"}):
            assert httpx.get(url, headers=header, timeout=30, trust_env=False).json() == {"id": 7}
        refused = httpx.get(url, headers={"x-api-key": "other"}, timeout=30, trust_env=False)
        assert refused.status_code == 401
        assert "oauth-protected-resource/v2/user" in refused.headers["WWW-Authenticate"]


def test_a_vendors_address_and_paths_can_be_taken() -> None:
    issuer, path = "https://login.example.test", "/v2/authorize"
    with FakeOAuthServer(issuer=issuer, paths={"authorize": (path,)}) as server:
        metadata = httpx.get(
            f"{server.url}/.well-known/oauth-authorization-server", timeout=30
        ).json()
        assert metadata["authorization_endpoint"] == issuer + path
        assert metadata["token_endpoint"] == f"{issuer}/token"
        query = "response_type=code&client_id=test-client&redirect_uri=http://localhost/&state=abc"
        # the person's browser reaches the server by the vendor's name
        location = server.visit(
            f"{issuer}{path}?{query}&code_challenge=x&code_challenge_method=S256"
        )
        assert location.startswith("http://localhost/?code=")
