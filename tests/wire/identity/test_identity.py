"""The sign-in at the XO service over HTTP (contract §8)."""

import json
import stat
from time import perf_counter
from typing import Any

import pytest

from tests.fakes.xo_service import EMAIL, USER_ID, FakeXoService, Fault
from tests.support.answers import expect_error, get_json
from xo_cowork_core.sdk.testing import LiveServer

START = "/auth/browser/start"
CONSUME = "/auth/browser/consume"
SIGNED_OUT = {
    "authenticated": False,
    "user_id": None,
    "expires_at": None,
    "auth_session_id": None,
    "token_source": "none",
}


def begin(server: LiveServer, **body: Any) -> dict[str, str]:
    answer = server.client.post("/xo-auth/start", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sign_in(server: LiveServer, service: FakeXoService) -> dict[str, Any]:
    auth_session_id = begin(server)["auth_session_id"]
    service.approve(auth_session_id)
    answer = server.client.post("/xo-auth/consume", json={"auth_session_id": auth_session_id})
    assert answer.status_code == 200, answer.text
    return answer.json() | {"auth_session_id": auth_session_id}


@pytest.mark.parametrize("style", ["docs", "spa"])
def test_a_sign_in_from_its_start_to_its_end(
    server: LiveServer, service: FakeXoService, style: str
) -> None:
    headers = {"X-XO-Wire": style}
    client = server.client
    body = {"scopes": ["chat"], "client_reference": "desktop"}
    started = client.post("/xo-auth/start", json=body, headers=headers).json()
    assert started.keys() == {"authorize_url", "auth_session_id", "poll_token"}
    assert service.sent(START)[-1].body == body
    status = f"/xo-auth/status/{started['auth_session_id']}"
    query = {"poll_token": started["poll_token"]}
    assert client.get(status, params=query, headers=headers).json() == {"status": "pending"}
    service.approve(started["auth_session_id"])
    # the poll token that the server keeps is enough
    assert client.get(status, headers=headers).json() == {"status": "approved"}
    consume = {"auth_session_id": started["auth_session_id"], **query}
    assert client.post("/xo-auth/consume", json=consume, headers=headers).json() == {
        "ok": True,
        "success": True,
        "user_id": USER_ID,
        "message": "Signed in.",
        "expires_in": 3600,
        "scope": "chat usage",
    }
    state = client.get("/xo-auth/state", headers=headers).json()
    assert (state["authenticated"], state["token_source"]) == (True, "session")
    assert (state["user_id"], state["auth_session_id"]) == (USER_ID, started["auth_session_id"])
    assert state["expires_at"].endswith("+00:00")
    whoami = {"user_id": USER_ID, "email": EMAIL, "success": True}
    assert client.get("/xo-auth/whoami", headers=headers).json() == whoami
    signed_out = {"ok": True, "success": True, "message": "Signed out."}
    assert client.post("/xo-auth/logout", headers=headers).json() == signed_out
    assert client.get("/xo-auth/state", headers=headers).json() == SIGNED_OUT
    expect_error(client.get("/xo-auth/whoami", headers=headers), 401)


def test_a_start_takes_no_body_at_all(server: LiveServer) -> None:
    for kind in ("application/json", "text/plain", ""):
        headers = {"Content-Type": kind} if kind else {}
        answer = server.client.post("/xo-auth/start", headers=headers)
        assert answer.status_code == 200, answer.text


def test_a_consumption_that_is_repeated_has_the_same_result(
    server: LiveServer, service: FakeXoService
) -> None:
    first = sign_in(server, service)
    body = {"auth_session_id": first.pop("auth_session_id"), "poll_token": "forgotten"}
    assert server.client.post("/xo-auth/consume", json=body).json() == first
    assert len(service.sent(CONSUME)) == 1


def test_what_is_not_approved_signs_nobody_in(server: LiveServer) -> None:
    body = {"auth_session_id": begin(server)["auth_session_id"]}
    expect_error(server.client.post("/xo-auth/consume", json=body), 401)
    assert get_json(server, "/xo-auth/state") == SIGNED_OUT


def test_a_refused_sign_in_leaves_the_one_that_works(
    server: LiveServer, service: FakeXoService
) -> None:
    before = sign_in(server, service)["auth_session_id"]
    body = {"auth_session_id": begin(server)["auth_session_id"]}
    expect_error(server.client.post("/xo-auth/consume", json=body), 401)
    assert get_json(server, "/xo-auth/state")["auth_session_id"] == before


def test_an_unknown_sign_in_is_expired_and_a_wrong_poll_token_is_401(server: LiveServer) -> None:
    path = "/xo-auth/status/as_unknown"
    assert get_json(server, path, poll_token="x") == {"status": "expired"}
    path = f"/xo-auth/status/{begin(server)['auth_session_id']}"
    expect_error(server.client.get(path, params={"poll_token": "x"}), 401)


def test_without_a_poll_token_the_request_is_refused(server: LiveServer) -> None:
    expect_error(server.client.get("/xo-auth/status/as_unknown"), 400)
    body = {"auth_session_id": "as_unknown"}
    assert "poll_token" in expect_error(server.client.post("/xo-auth/consume", json=body), 400)


def test_the_sign_in_survives_a_restart_in_a_private_file(
    server: LiveServer, service: FakeXoService
) -> None:
    sign_in(server, service)
    pending = begin(server)
    before = get_json(server, "/xo-auth/state")
    server.restart()
    assert get_json(server, "/xo-auth/state") == before
    # the poll token of an open sign-in is kept as well
    assert get_json(server, f"/xo-auth/status/{pending['auth_session_id']}")["status"] == "pending"
    files = [path for path in (server.state / "identity").rglob("*") if path.is_file()]
    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_token_that_the_service_refuses_early_is_refreshed_once(
    server: LiveServer, service: FakeXoService
) -> None:
    sign_in(server, service)
    service.revoke_access_tokens()
    assert get_json(server, "/xo-auth/whoami")["user_id"] == USER_ID
    assert len(service.sent("/auth/browser/refresh")) == 1


def test_a_sign_in_that_was_revoked_is_401_and_says_so(
    server: LiveServer, service: FakeXoService
) -> None:
    sign_in(server, service)
    service.revoke()
    assert "sign in" in expect_error(server.client.get("/xo-auth/whoami"), 401).lower()
    assert get_json(server, "/xo-auth/state")["authenticated"] is False
    assert sign_in(server, service)["ok"]
    assert get_json(server, "/xo-auth/state")["authenticated"] is True


FAULTS = {
    "status 500": Fault(500, b"Traceback: secret-of-the-service"),
    "status 503": Fault(503, b"busy"),
    "status 429": Fault(429, b"{}"),
    "no JSON": Fault(200, b"<html>secret-of-the-service</html>"),
    "a list": Fault(200, b"[1]"),
    "an empty object": Fault(200, b"{}"),
    "invalid UTF-8": Fault(200, b'{"authorize_url": "\xff"}'),
    "deeply nested": Fault(200, b"[" * 100_000),
    "wrong types": Fault(
        200, b'{"authorize_url": 1, "auth_session_id": [], "access_token": {}, "user_id": null}'
    ),
    "a script as address": Fault(
        200, b'{"authorize_url": "javascript:x", "auth_session_id": "a", "poll_token": "b"}'
    ),
    "a redirect": Fault(302, b"", {"location": "http://127.0.0.1:1/secret-of-the-service"}),
    "a large body": Fault(200, b'{"a": "' + b"x" * 400_000 + b'"}'),
    "an endless body": Fault(endless=True),
    "a cut": Fault(cut=True),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_the_service_is_502_with_a_sentence(
    server: LiveServer, service: FakeXoService, fault: Fault
) -> None:
    state = get_json(server, "/xo-auth/state")
    pending = begin(server)
    body = {"auth_session_id": pending["auth_session_id"]}
    service.approve(pending["auth_session_id"])
    service.faults = dict.fromkeys(
        (START, CONSUME, f"/auth/browser/status/{pending['auth_session_id']}"), fault
    )
    client = server.client
    answers = [
        client.post("/xo-auth/start"),
        client.get(f"/xo-auth/status/{pending['auth_session_id']}"),
        client.post("/xo-auth/consume", json=body),
    ]
    for answer in answers:
        sentence = expect_error(answer, 502)
        assert sentence.startswith("The identity service")
        assert "secret-of-the-service" not in answer.text
        assert pending["poll_token"] not in answer.text
    assert get_json(server, "/xo-auth/state") == state
    # nothing was lost by the fault: the sign-in still works
    service.faults.clear()
    assert client.post("/xo-auth/consume", json=body).status_code == 200


def test_a_service_that_is_down_is_502_and_deletes_no_sign_in(
    server: LiveServer, service: FakeXoService
) -> None:
    sign_in(server, service)
    service.close()
    try:
        expect_error(server.client.get("/xo-auth/whoami"), 502)
        expect_error(server.client.post("/xo-auth/start"), 502)
        assert get_json(server, "/xo-auth/state")["authenticated"] is True
    finally:
        service.start()
    assert get_json(server, "/xo-auth/whoami")["user_id"] == USER_ID


NOT_IDS = ("", 5, None, [], {}, True, "a\u0000b", "a\nb", "a\rb", "a\u2028b", "..", "x" * 1_000_000)


@pytest.mark.parametrize("value", NOT_IDS, ids=lambda value: repr(value)[:12])
def test_a_wrong_field_is_refused_and_nothing_is_sent(
    server: LiveServer, service: FakeXoService, value: Any
) -> None:
    status = {400, 413}
    client = server.client
    body = {"auth_session_id": value, "poll_token": "x"}
    assert client.post("/xo-auth/consume", json=body).status_code in status
    if value is not None and value != "..":
        body = {"auth_session_id": "as_1", "poll_token": value}
        assert client.post("/xo-auth/consume", json=body).status_code in status
        for name in ("scopes", "client_reference"):
            if (name, value) != ("scopes", []):
                assert client.post("/xo-auth/start", json={name: value}).status_code in status
        assert client.post("/xo-auth/start", json={"scopes": [value]}).status_code in status
    assert service.requests == []
    assert not any((server.state / "identity").rglob("*.broken-*"))


@pytest.mark.parametrize("segment", ["%2e%2e", "%00", "a%0ab", "x" * 513, "a%2f..%2f..%2fusage"])
def test_an_id_in_the_path_reaches_no_other_path_of_the_service(
    server: LiveServer, service: FakeXoService, segment: str
) -> None:
    answer = server.client.get(f"/xo-auth/status/{segment}", params={"poll_token": "x"})
    assert answer.status_code in {400, 404}
    assert service.requests == []


def test_the_state_is_read_without_the_service_as_fast_as_the_health(
    server: LiveServer, service: FakeXoService
) -> None:
    sign_in(server, service)
    service.requests.clear()
    times: dict[str, list[float]] = {"/health": [], "/xo-auth/state": []}
    for _ in range(50):
        for path, seconds in times.items():
            start = perf_counter()
            assert server.client.get(path).status_code == 200
            seconds.append(perf_counter() - start)
    # the best: a busy machine makes single requests slow, not all of them
    health, state = (min(seconds) for seconds in times.values())
    assert state < 2 * health + 0.001
    assert service.requests == []


def test_no_token_is_in_the_log_or_in_an_answer(server: LiveServer, service: FakeXoService) -> None:
    sign_in(server, service)
    service.faults["/get-user-id"] = Fault(500)
    answers = [
        server.client.get(path).text
        for path in ("/xo-auth/state", "/xo-auth/whoami", "/health", "/openapi.json", "/metrics")
    ]
    planted = service.tokens
    assert planted
    text = server.log + json.dumps(answers)
    assert not [token for token in planted if token in text]
    assert "pt_" not in server.log
