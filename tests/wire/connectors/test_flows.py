"""Sign-ins over HTTP: how they are started, read, fed, cancelled, and how they end."""

from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import Connections, FakeOAuthServer, eventually

from .conftest import KEY

FIELDS = {
    "flow_id",
    "connector",
    "connection",
    "method",
    "kind",
    "state",
    "redirect",
    "authorize_url",
    "user_code",
    "verification_uri",
    "verification_uri_complete",
    "expires_at",
    "needs_input",
    "message",
    "error",
    "account",
}


def query_of(url: object) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(str(url)).query).items()}


def test_a_browser_comes_back_to_the_loopback(acme: Connections, provider: FakeOAuthServer) -> None:
    started = acme.start({"method": "authorization_code"})
    assert started.status_code == 202
    flow = started.json()
    assert flow.keys() == FIELDS
    assert (flow["state"], flow["redirect"], flow["needs_input"]) == (
        "awaiting_user",
        "loopback",
        True,
    )
    assert acme.flow(flow["flow_id"]) == flow
    page = provider.sign_in(flow["authorize_url"])
    assert page.status_code == 200
    ended = acme.wait(flow["flow_id"])
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert ended["account"]["id"] == "account-1"
    # nothing of the request is left in what can be read later
    assert (ended["authorize_url"], ended["needs_input"]) == (None, False)


def test_a_key_that_is_sent_along_ends_the_sign_in_at_once(acme: Connections) -> None:
    done = acme.start({"method": "api_key", "input": KEY})
    assert (done.status_code, done.json()["state"]) == (200, "completed")
    assert KEY not in done.text


def test_the_address_is_pasted_whole_or_in_part(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    for part in ("url", "query", "code"):
        flow = acme.connect(method="authorization_code", redirect="paste")
        address = provider.visit(flow["authorize_url"])
        texts = {
            "url": f"  {address[:40]}\n{address[40:]} ",
            "query": urlsplit(address).query,
            "code": query_of(address)["code"],
        }
        ended = acme.submit(flow["flow_id"], texts[part])
        ended = acme.wait(ended["flow_id"])
        assert ended["state"] == "completed", (part, ended)


def test_a_second_paste_of_the_same_address_changes_nothing(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    flow = acme.connect(method="authorization_code", redirect="paste")
    address = provider.visit(flow["authorize_url"])
    acme.submit(flow["flow_id"], address)
    assert acme.wait(flow["flow_id"])["state"] == "completed"
    assert acme.submit(flow["flow_id"], address)["state"] == "completed"
    assert len(provider.requests("token")) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("http://127.0.0.1:1/callback?code=a&state=another", "state_mismatch"),
        ("code=a&state=another", "state_mismatch"),
        ("http://127.0.0.1:1/callback?code=a", "state_missing"),
        ("http://127.0.0.1:1/callback", "code_missing"),
        ("two words and ünïcode", "code_missing"),
    ],
)
def test_a_wrong_paste_is_refused_and_may_be_corrected(
    acme: Connections, provider: FakeOAuthServer, text: str, code: str
) -> None:
    flow = acme.connect(method="authorization_code", redirect="paste")
    answer = acme.http.post(f"{acme.path}/flows/{flow['flow_id']}/input", json={"input": text})
    assert answer.status_code == 400
    assert answer.json()["detail"]["code"] == code
    waiting = acme.flow(flow["flow_id"])
    assert (waiting["state"], waiting["error"]["code"]) == ("awaiting_user", code)
    assert not provider.requests("token")
    acme.submit(flow["flow_id"], provider.visit(flow["authorize_url"]))
    assert acme.wait(flow["flow_id"])["state"] == "completed"


def test_a_stray_visit_of_the_loopback_changes_nothing(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    flow = acme.connect(method="authorization_code")
    callback = query_of(flow["authorize_url"])["redirect_uri"]
    origin = callback.removesuffix("/callback")
    for url in (
        origin + "/favicon.ico",
        origin,
        callback,
        callback + "?error=access_denied",
        callback + "?error=access_denied&state=other",
        callback + "?code=x&state=other",
    ):
        assert httpx.get(url, timeout=30, trust_env=False).status_code in {400, 404}, url
        assert acme.flow(flow["flow_id"])["state"] == "awaiting_user", url
    assert provider.sign_in(flow["authorize_url"]).status_code == 200
    assert acme.wait(flow["flow_id"])["state"] == "completed"


def test_a_refusal_ends_the_sign_in(acme: Connections, provider: FakeOAuthServer) -> None:
    flow = acme.connect(method="authorization_code")
    provider.consent = "deny"
    assert provider.sign_in(flow["authorize_url"]).status_code == 400
    ended = acme.wait(flow["flow_id"])
    assert (ended["state"], ended["error"]["code"]) == ("failed", "access_denied")
    assert not acme.status()["connected"]


def test_a_device_is_approved(acme: Connections, provider: FakeOAuthServer) -> None:
    flow = acme.connect(method="device_code")
    assert flow["verification_uri"] == f"{provider.url}/device"
    assert flow["user_code"] in flow["verification_uri_complete"]
    assert (flow["redirect"], flow["needs_input"]) == (None, False)
    provider.approve(flow["user_code"])
    assert acme.wait(flow["flow_id"])["state"] == "completed"


def test_a_device_is_denied(acme: Connections, provider: FakeOAuthServer) -> None:
    flow = acme.connect(method="device_code")
    provider.deny()
    ended = acme.wait(flow["flow_id"])
    assert (ended["state"], ended["error"]["code"]) == ("failed", "access_denied")


def test_a_device_code_expires(acme: Connections, provider: FakeOAuthServer) -> None:
    flow = acme.connect(method="device_code")
    provider.expire("devices")
    ended = acme.wait(flow["flow_id"])
    assert (ended["state"], ended["error"]["code"]) == ("expired", "expired_token")


def test_a_device_that_is_told_to_slow_down_does(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    provider.fault("token", 400, {"error": "slow_down", "interval": 2})
    flow = acme.connect(method="device_code")
    provider.approve()
    ended = acme.wait(flow["flow_id"], seconds=30)
    assert ended["state"] == "completed"
    # RFC 8628 §3.5: 5 s more than before; the provider itself refused no poll as too early
    assert len(provider.requests("token")) == 2


def test_an_unreachable_provider_is_told_and_the_sign_in_goes_on(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    flow = acme.connect(method="authorization_code", redirect="paste")
    address = provider.visit(flow["authorize_url"])
    provider.fault("token", 503, "<h1>Down</h1>")
    acme.submit(flow["flow_id"], address)
    waiting = acme.wait(flow["flow_id"], "awaiting_user")
    assert waiting["error"]["code"] == "upstream_unreachable"
    assert "Down" not in str(waiting)
    acme.submit(flow["flow_id"], address)
    assert acme.wait(flow["flow_id"])["state"] == "completed"


def test_a_provider_that_is_down_at_the_start_is_503(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    provider.fault("device", 503, times=10)
    answer = acme.start({"method": "device_code", "force": True})
    assert answer.status_code == 503
    assert answer.json()["detail"]["code"] == "upstream_unreachable"


def test_a_second_sign_in_is_busy_unless_it_is_forced(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    first = acme.connect(method="authorization_code")
    refused = acme.start({"method": "device_code"})
    assert refused.status_code == 409
    detail = refused.json()["detail"]
    assert (detail["code"], detail["flow_id"]) == ("busy", first["flow_id"])
    second = acme.connect(method="device_code")
    ended = acme.flow(first["flow_id"])
    assert ended["state"] == "cancelled"
    # another connection of the same connector is not in the way
    other = acme.start({"method": "device_code", "connection": "other"})
    assert other.status_code == 202
    for flow in (second, other.json()):
        acme.cancel(flow["flow_id"])


def test_a_repeated_request_with_the_same_key_starts_one_sign_in(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    headers = {"Idempotency-Key": "sign-in-1"}
    body = {"method": "authorization_code", "force": True}
    first, again = (
        acme.http.post(f"{acme.path}/connect", json=body, headers=headers) for _ in range(2)
    )
    assert first.json() == again.json()
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    flow_id = first.json()["flow_id"]
    assert acme.flow(flow_id)["state"] == "awaiting_user"
    acme.cancel(flow_id)


def test_a_cancelled_sign_in_ends_and_a_finished_one_stays(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    flow = acme.connect(method="authorization_code")
    for _ in range(2):
        assert acme.cancel(flow["flow_id"])["state"] == "cancelled"
    with pytest.raises(httpx.TransportError):
        provider.sign_in(flow["authorize_url"])
    expect_error(
        acme.http.post(f"{acme.path}/flows/{flow['flow_id']}/input", json={"input": "x"}), 409
    )
    done = acme.connect(method="api_key", input=KEY)
    assert acme.cancel(done["flow_id"])["state"] == "completed"
    assert acme.status()["connected"]


def test_a_sign_in_that_waits_for_no_input_refuses_it(acme: Connections) -> None:
    flow = acme.connect(method="device_code")
    answer = acme.http.post(f"{acme.path}/flows/{flow['flow_id']}/input", json={"input": "x"})
    assert (answer.status_code, answer.json()["detail"]["code"]) == (409, "not_waiting")
    acme.cancel(flow["flow_id"])


def test_an_unknown_sign_in_is_404(acme: Connections) -> None:
    for method in ("GET", "DELETE"):
        expect_error(acme.http.request(method, f"{acme.path}/flows/unknown"), 404)
    expect_error(acme.http.post(f"{acme.path}/flows/unknown/input", json={"input": "x"}), 404)


def test_a_refused_key_may_be_corrected(acme: Connections) -> None:
    flow = acme.connect(method="api_key")
    assert (flow["state"], flow["needs_input"]) == ("awaiting_user", True)
    acme.submit(flow["flow_id"], "a-wrong-key")
    waiting = acme.wait(flow["flow_id"], "awaiting_user")
    assert waiting["error"]["code"] == "invalid_key"
    acme.submit(flow["flow_id"], KEY)
    assert acme.wait(flow["flow_id"])["state"] == "completed"


def test_tokens_rotate_and_a_reused_refresh_token_asks_for_a_new_sign_in(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    # the server is stopped before it refreshes at 80 % of the token's life
    provider.store.lifetimes.access_seconds = 6
    flow = acme.connect(method="device_code")
    provider.approve()
    assert acme.wait(flow["flow_id"])["state"] == "completed"
    access, first = list(provider.store.access)[-1], list(provider.store.refresh)[-1]
    acme.server.terminate()
    provider.store.lifetimes.access_seconds = 3600
    eventually(lambda: not provider.is_valid(access), 15, "the token has expired")
    acme.server.start()
    assert acme.status(verify=True)["connected"]
    assert len(provider.requests("token", grant_type="refresh_token")) == 1
    # somebody else has a copy of the first one and uses it
    form = {"grant_type": "refresh_token", "refresh_token": first, "client_id": "test-client"}
    stolen = httpx.post(
        f"{provider.url}/token", content=urlencode(form), timeout=30, trust_env=False
    )
    assert stolen.json()["error"] == "invalid_grant"
    acme.server.restart()
    status = acme.status(verify=True)
    assert (status["status"], status["detail"]["state"]) == ("needs_auth", "needs_reauth")
    assert status["error"]
