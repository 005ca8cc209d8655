"""The fake authorization server refuses what a strict one refuses."""

import httpx

from .conftest import DEVICE_CODE_GRANT


def error_of(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.json()['error']}"


def test_a_code_is_exchanged_once_and_the_tokens_reach_the_account(client) -> None:
    answer = client.authorize()
    assert answer["state"] == "abc"
    assert {"/", "+", "="} <= set(answer["code"])
    tokens = client.exchange(answer["code"]).json()
    assert tokens["scope"] == "read"
    assert tokens["expires_in"] == 3600
    assert client.userinfo(tokens["access_token"]).json()["sub"] == "account-1"


def test_a_second_use_of_a_code_revokes_the_tokens_of_the_first(client) -> None:
    code = client.authorize()["code"]
    tokens = client.exchange(code).json()
    assert error_of(client.exchange(code)) == "400 invalid_grant"
    assert client.userinfo(tokens["access_token"]).status_code == 401


def test_the_verifier_must_fit_the_challenge(client) -> None:
    code = client.authorize()["code"]
    assert error_of(client.exchange(code, code_verifier="x" * 43)) == "400 invalid_grant"
    assert client.exchange(code).status_code == 200


def test_an_authorization_without_pkce_is_refused(client) -> None:
    assert client.authorize(code_challenge="")["error"] == "invalid_request"
    assert client.authorize(code_challenge_method="plain")["error"] == "invalid_request"


def test_the_redirect_uri_must_be_the_same_at_the_exchange(client) -> None:
    code = client.authorize()["code"]
    assert error_of(client.exchange(code, redirect_uri="http://127.0.0.1:2/")).endswith("grant")


def test_an_expired_code_is_refused(client, clock) -> None:
    code = client.authorize()["code"]
    clock.seconds += 61
    assert error_of(client.exchange(code)) == "400 invalid_grant"


def test_a_refused_consent_comes_back_as_access_denied(client, server) -> None:
    server.consent = "deny"
    answer = client.authorize()
    assert answer["error"] == "access_denied"
    assert answer["state"] == "abc"


def test_a_resource_of_another_server_is_an_invalid_target(client) -> None:
    assert client.authorize(resource="https://other.test/")["error"] == "invalid_target"
    assert "code" in client.authorize(resource=client.server.url + "/userinfo")


def test_refresh_tokens_rotate_and_reuse_revokes_the_family(client) -> None:
    first = client.sign_in()
    second = client.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert error_of(client.refresh(first["refresh_token"])) == "400 invalid_grant"
    assert error_of(client.refresh(second["refresh_token"])) == "400 invalid_grant"
    assert client.userinfo(second["access_token"]).status_code == 401


def test_tokens_of_another_sign_in_survive_a_reuse(client) -> None:
    other, reused = client.sign_in(), client.sign_in()
    client.refresh(reused["refresh_token"])
    client.refresh(reused["refresh_token"])
    assert client.userinfo(other["access_token"]).status_code == 200


def test_an_access_token_expires(client, clock, server) -> None:
    tokens = client.sign_in()
    clock.seconds += 3601
    answer = client.userinfo(tokens["access_token"])
    assert answer.status_code == 401
    assert (
        f"{server.url}/.well-known/oauth-protected-resource" in answer.headers["WWW-Authenticate"]
    )


def test_a_confidential_client_needs_its_secret(client, server) -> None:
    server.add_client("secretive", "s3cret")
    fields = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "secretive"}
    assert error_of(client.post("/token", **fields)) == "401 invalid_client"
    assert error_of(client.post("/token", **fields, client_secret="s3cret")).endswith("grant")
    fields.pop("client_id")
    basic = client.http.post("/token", data=fields, auth=("secretive", "s3cret"))
    assert error_of(basic) == "400 invalid_grant"
    assert [call.authentication for call in server.requests("token")] == ["none", "post", "basic"]


def test_a_revoked_token_and_its_family_stop_working(client) -> None:
    tokens = client.sign_in()
    assert client.post("/revoke", token=tokens["refresh_token"]).status_code == 200
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.post("/revoke", token="unknown").status_code == 200


def test_introspection_tells_whether_a_token_is_active(client, server) -> None:
    tokens = client.sign_in()
    answer = client.post("/introspect", token=tokens["access_token"]).json()
    assert answer == {"active": True, "client_id": "test-client", "scope": "read"}
    server.expire("access")
    inactive = client.post("/introspect", token=tokens["access_token"])
    assert inactive.json() == {"active": False}


def test_what_was_issued_to_one_client_is_of_no_use_to_another(client, server) -> None:
    server.add_client("other")
    code = client.authorize()["code"]
    assert error_of(client.exchange(code, client_id="other")) == "400 invalid_grant"
    tokens = client.exchange(code).json()
    form = {"grant_type": "refresh_token", "client_id": "other"}
    stolen = client.post("/token", **form, refresh_token=tokens["refresh_token"])
    assert error_of(stolen) == "400 invalid_grant"
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    device = client.post("/device_authorization").json()
    server.approve()
    form = {"grant_type": DEVICE_CODE_GRANT, "client_id": "other"}
    assert error_of(client.post("/token", **form, device_code=device["device_code"])).endswith(
        "invalid_grant"
    )
    assert client.poll(device["device_code"]).status_code == 200
