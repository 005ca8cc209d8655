"""The list of connectors, the state of connections, and how they are ended."""

from pathlib import Path

import pytest

from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import Connections, FakeOAuthServer, LiveServer, install_plugin

from .conftest import KEY

METHODS = [
    {
        "id": "authorization_code",
        "kind": "authorization_code",
        "title": "Sign in with the browser",
        "help": "",
        "pattern": "",
    },
    {
        "id": "device_code",
        "kind": "device_code",
        "title": "Sign in with a code",
        "help": "",
        "pattern": "",
    },
]


def sign_in(acme: Connections, **body: str) -> dict:
    flow = acme.connect(method="api_key", input=KEY, **body)
    assert flow["state"] == "completed", flow
    return dict(flow)


def test_the_list_names_the_methods_and_the_state(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    row = acme.row()
    key_method = {
        "id": "api_key",
        "kind": "api_key",
        "title": "Paste a key",
        "help": f"Create one at {provider.url}/keys",
        "pattern": "",
    }
    assert row["methods"] == [*METHODS, key_method]
    assert row["auth"] == ["authorization_code", "device_code", "api_key"]
    assert (row["title"], row["plugin"]) == ("Acme", "connector_acme")
    assert (row["connected"], row["status"], row["username"]) == (False, "needs_auth", None)
    assert [each["connection"] for each in row["connections"]] == ["default"]
    sign_in(acme)
    row = acme.row()
    assert (row["connected"], row["status"]) == (True, "connected")


@pytest.mark.parametrize("path", ["/api/connectors", "/api/connectors/acme/status"])
def test_both_wire_styles_get_the_same(acme: Connections, path: str) -> None:
    spa = acme.http.get(path, headers={"X-XO-Wire": "spa"})
    assert spa.json() == acme.http.get(path).json()


def test_a_plugin_names_the_kinds_of_its_methods(acme: Connections) -> None:
    rows = acme.http.get("/api/plugins").json()["plugins"]
    (row,) = [row for row in rows if row["name"] == "connector_acme"]
    assert row["auth"] == ["authorization_code", "device_code", "api_key"]


def test_a_state_has_every_field_of_the_contract(acme: Connections) -> None:
    before = acme.status()
    assert before == {
        "connection": "default",
        "connected": False,
        "status": "needs_auth",
        "user": None,
        "username": None,
        "name": None,
        "avatar_url": None,
        "email": None,
        "scopes": [],
        "auth_method": None,
        "error": None,
        "detail": {**before["detail"], "state": before["detail"]["state"], "reason": ""},
    }
    assert before["detail"].keys() == {
        "state",
        "reason",
        "since",
        "next_try",
        "expires_at",
        "checked_at",
    }
    sign_in(acme)
    status = acme.status(verify=True)
    assert status["user"] == {
        "id": "account-1",
        "login": "",
        "username": "",
        "name": "Octo Test",
        "email": "",
        "avatar_url": "",
    }
    assert (status["name"], status["username"], status["error"]) == ("Octo Test", None, None)
    assert (status["status"], status["auth_method"]) == ("connected", "api_key")
    assert status["detail"]["state"] == "connected"
    assert status["detail"]["checked_at"] >= status["detail"]["since"]


def test_a_state_is_from_memory_unless_it_is_to_be_verified(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    sign_in(acme)
    provider.clear()
    for _ in range(5):
        acme.status()
        acme.status(verify=True)
    # the sign-in has asked the service less than a minute ago
    assert not provider.requests("userinfo")
    acme.server.restart()
    with provider.hold("userinfo") as hold:
        assert acme.status()["connected"]
        hold.wait()
    assert acme.status(verify=True)["connected"]
    assert len(provider.requests("userinfo")) == 1


def test_a_disconnection_ends_the_connection_and_may_be_repeated(acme: Connections) -> None:
    sign_in(acme)
    for _ in range(2):
        status = acme.disconnect()
        assert (status["connected"], status["status"]) == (False, "needs_auth")
        assert status["user"] is None
    assert not acme.status()["connected"]


def test_several_connections_of_one_connector_are_apart(acme: Connections) -> None:
    sign_in(acme)
    sign_in(acme, connection="work")
    names = [each["connection"] for each in acme.row()["connections"]]
    assert names == ["default", "work"]
    acme.disconnect()
    work = acme.http.get("/api/connectors/acme/status", params={"connection": "work"}).json()
    assert (work["connection"], work["connected"]) == ("work", True)
    assert not acme.status()["connected"]
    answer = acme.http.post("/api/connectors/acme/disconnect", json={"connection": "work"})
    assert answer.json()["connected"] is False


def test_an_unknown_connector_is_404_on_every_route(acme: Connections) -> None:
    for method, path in (
        ("POST", "connect"),
        ("POST", "reconnect"),
        ("POST", "disconnect"),
        ("GET", "status"),
        ("GET", "flows/x"),
        ("DELETE", "flows/x"),
    ):
        expect_error(acme.http.request(method, f"/api/connectors/ghost/{path}"), 404)
    expect_error(acme.http.post("/api/connectors/ghost/flows/x/input", json={"input": "x"}), 404)


def test_a_connector_that_fails_costs_only_its_own_row(
    environment: dict[str, str], example: str, tmp_path: Path
) -> None:
    methods = "def sign_in_methods(self) -> Sequence[connector.SignInMethod]:"
    count = "self.calls = getattr(self, 'calls', 0) + 1"
    for name, extra in (
        ("acme", ""),
        ("broken", f"\n        {count}\n        1 / (self.calls == 1)"),
    ):
        source = example.replace('"acme"', f'"{name}"').replace(methods, methods + extra)
        install_plugin(tmp_path, f"connector_{name}", source)
    both = environment | {"XO_PLUGINS": "connector_acme,connector_broken"}
    with LiveServer(environment=both, python_path=[tmp_path]) as server:
        healthy, broken = server.client.get("/api/connectors").json()
        assert (healthy["name"], len(healthy["methods"])) == ("acme", 3)
        assert [each["connection"] for each in healthy["connections"]] == ["default"]
        assert (broken["name"], broken["methods"], broken["auth"]) == ("broken", [], [])
        answer = server.client.post("/api/connectors/broken/connect", json={})
        assert "broken failed" in expect_error(answer, 502)
        assert Connections(server, "acme").connect(method="api_key")["state"] == "awaiting_user"


def test_a_reconnection_takes_the_last_method(acme: Connections, provider: FakeOAuthServer) -> None:
    flow = acme.connect(method="device_code")
    provider.approve()
    assert acme.wait(flow["flow_id"])["state"] == "completed"
    again = acme.reconnect()
    assert (again["method"], again["state"]) == ("device_code", "awaiting_user")
    # the connection stays until the new sign-in has succeeded
    assert acme.status()["connected"]
    provider.deny()
    assert acme.wait(again["flow_id"])["state"] == "failed"
    assert acme.status()["connected"]


@pytest.mark.parametrize("field", ["token", "api_key"])
def test_a_key_signs_in_with_one_request(acme: Connections, field: str) -> None:
    answer = acme.http.post(f"{acme.path}/token", json={field: KEY})
    body = answer.json()
    assert answer.status_code == 200
    assert (body["ok"], body["connected"], body["auth_method"]) == (True, True, "api_key")
    assert body["user"]["name"] == body["name"] != ""
    assert {**acme.status(), "ok": True} == body


def test_a_refused_key_is_a_bad_request_and_keeps_the_connection(acme: Connections) -> None:
    sign_in(acme)
    before = acme.status()
    answer = acme.http.post(f"{acme.path}/token", json={"token": "key-that-is-refused"})
    assert "key" in expect_error(answer, 400)
    assert acme.status() == before
    # no sign-in is left open
    assert acme.http.post(f"{acme.path}/token", json={"token": KEY}).status_code == 200


def test_a_key_while_the_service_is_down_is_not_stored(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    provider.fault("userinfo", status=503)
    answer = acme.http.post(f"{acme.path}/token", json={"token": KEY})
    expect_error(answer, 503)
    assert acme.state() in {"needs_auth", "disconnected"}
