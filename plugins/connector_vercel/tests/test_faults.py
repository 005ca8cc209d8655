"""What goes wrong with Vercel: nothing is lost, and the state says what to do."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from tests.fakes.vercel import FakeVercel
from xo_cowork_core.sdk.testing import Connections, eventually

PAT = "vercel-token-0123456789abcdef"
MANY = 50
# a busy machine may take longer to sign in than a token lives: then it gets a longer life
SHORT_SECONDS = (2, 6, 18)
WAIT_SECONDS = 15.0
PARALLEL = 12


def start(connections: Connections, **body: Any) -> dict[str, Any]:
    flow = connections.connect(method="oauth", **body)
    assert flow["state"] == "awaiting_user", flow
    return cast("dict[str, Any]", flow)


def finish(connections: Connections, vercel: FakeVercel, flow: Mapping[str, Any]) -> Any:
    vercel.sign_in(flow["authorize_url"])
    return connections.wait(flow["flow_id"])


def sign_in(connections: Connections, vercel: FakeVercel) -> None:
    ended = finish(connections, vercel, start(connections))
    assert ended["state"] == "completed", ended


def restart(connections: Connections, *, kill: bool = False) -> Connections:
    """Return the routes of the next server."""
    server = connections.server
    if kill:
        server.kill()
        server.start()
    else:
        server.restart()
    return Connections(server, connections.name)


def detail(connections: Connections) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", connections.status(verify=True)["detail"])


def sign_in_until_expired(connections: Connections, vercel: FakeVercel) -> None:
    """Sign in and stop the server; the access token has expired on return."""
    try:
        for seconds in SHORT_SECONDS:
            vercel.store.lifetimes.access_seconds = seconds
            ended = finish(connections, vercel, start(connections))
            if ended["state"] == "completed":
                break
        assert ended["state"] == "completed", ended
    finally:
        vercel.store.lifetimes.access_seconds = 3600
    connections.server.terminate()
    eventually(
        lambda: not any(vercel.has_signed_in(token) for token in list(vercel.store.access)),
        seconds + WAIT_SECONDS,
        "the access token has expired",
    )
    vercel.clear()


def sign_in_and_stop(connections: Connections, vercel: FakeVercel) -> None:
    """Sign in and stop the server; Vercel has ended the access token on return."""
    sign_in(connections, vercel)
    connections.server.terminate()
    vercel.expire("access")
    vercel.clear()


class TestSignIns:
    """Sign-ins that go wrong leave nothing behind, or can be gone on with."""

    def test_a_refusal_ends_the_sign_in_and_keeps_the_connection(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        sign_in(connections, vercel)
        flow = connections.reconnect(method="oauth")
        vercel.consent = "deny"
        ended = finish(connections, vercel, flow)
        assert (ended["state"], ended["message"]) == ("failed", "Access was denied.")
        assert connections.status()["connected"]

    def test_an_answer_of_another_sign_in_is_refused_and_the_right_one_counts(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        old = vercel.visit(start(connections)["authorize_url"])
        flow = start(connections)
        path = f"{connections.path}/flows/{flow['flow_id']}/input"
        refused = connections.http.post(path, json={"input": old})
        assert (refused.status_code, refused.json()["detail"]["code"]) == (400, "state_mismatch")
        connections.submit(flow["flow_id"], vercel.visit(flow["authorize_url"]))
        assert connections.wait(flow["flow_id"])["state"] == "completed"

    @pytest.mark.parametrize("junk", ["grüße", "https://vercel.com/", "http://[", "?state=x"])
    def test_junk_is_refused_and_the_sign_in_goes_on(
        self, connections: Connections, vercel: FakeVercel, junk: str
    ) -> None:
        flow = start(connections)
        path = f"{connections.path}/flows/{flow['flow_id']}/input"
        assert connections.http.post(path, json={"input": junk}).status_code == 400
        assert not vercel.requests("token")
        assert finish(connections, vercel, flow)["state"] == "completed"

    def test_a_percent_encoded_code_is_decoded_once(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        flow = start(connections)
        address = vercel.visit(flow["authorize_url"])
        code = parse_qs(urlsplit(address).query)["code"][0]
        assert set("/+=") & set(code)
        assert quote(code, safe="") in address
        connections.submit(flow["flow_id"], address)
        # pasted twice, and once more as a terminal breaks it
        connections.submit(flow["flow_id"], f" {address[:40]}\n{address[40:]} ")
        assert connections.wait(flow["flow_id"])["state"] == "completed"
        assert len(vercel.requests("token")) == 1

    def test_an_expired_code_ends_the_sign_in(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        flow = start(connections)
        address = vercel.visit(flow["authorize_url"])
        vercel.expire("codes")
        connections.submit(flow["flow_id"], address)
        ended = connections.wait(flow["flow_id"])
        assert (ended["state"], ended["error"]["code"]) == ("failed", "invalid_grant")
        assert connections.status()["status"] == "needs_auth"

    def test_stray_hits_on_the_port_change_nothing(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        flow = start(connections)
        uri = parse_qs(urlsplit(flow["authorize_url"]).query)["redirect_uri"][0]
        root = uri.removesuffix("/callback")
        for url in (root, f"{root}/favicon.ico", uri, f"{uri}?code=x&state=wrong"):
            assert httpx.get(url, timeout=30, trust_env=False).status_code == 400
        assert finish(connections, vercel, flow)["state"] == "completed"

    def test_a_double_start_is_busy_unless_it_is_forced(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        first = start(connections)
        busy = connections.start({"method": "oauth"})
        assert (busy.status_code, busy.json()["detail"]["flow_id"]) == (409, first["flow_id"])
        second = start(connections)
        assert connections.flow(first["flow_id"])["state"] == "cancelled"
        assert finish(connections, vercel, second)["state"] == "completed"

    def test_a_client_that_vercel_forgot_is_registered_anew_by_the_next_sign_in(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        flow = start(connections)
        address = vercel.visit(flow["authorize_url"])
        vercel.forget_clients()
        connections.submit(flow["flow_id"], address)
        ended = connections.wait(flow["flow_id"])
        assert (ended["state"], ended["error"]["code"]) == ("failed", "invalid_client")
        vercel.clear()
        sign_in(connections, vercel)
        assert len(vercel.requests("register")) == 1

    def test_a_registration_that_fails_says_so_and_can_be_tried_again(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        body = {"error": "invalid_redirect_uri"}
        connection = "fresh"
        path = "/api/connectors/vercel/oauth/start"
        for status, expected in ((400, 502), (503, 503)):
            vercel.fault("register", status, body if status == 400 else "<h1>Oops</h1>")
            query = {"redirect_uri": f"http://localhost:{status}0/{connection}"}
            assert connections.http.get(path, params=query).status_code == expected
        sign_in(connections, vercel)

    def test_an_exchange_that_fails_goes_back_to_the_person(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        flow = start(connections)
        address = vercel.visit(flow["authorize_url"])
        vercel.fault("token", 503, "<h1>Maintenance</h1>")
        after = connections.submit(flow["flow_id"], address)
        assert (after["state"], after["needs_input"]) == ("awaiting_user", True)
        assert after["message"]
        connections.submit(flow["flow_id"], address)
        assert connections.wait(flow["flow_id"])["state"] == "completed"

    @pytest.mark.parametrize("kill", [False, True])
    def test_a_sign_in_survives_a_restart(
        self, connections: Connections, vercel: FakeVercel, *, kill: bool
    ) -> None:
        flow = start(connections)
        after = restart(connections, kill=kill)
        assert after.flow(flow["flow_id"])["state"] == "awaiting_user"
        assert finish(after, vercel, flow)["state"] == "completed"

    def test_a_code_whose_exchange_was_killed_is_not_sent_twice(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        flow = start(connections)
        address = vercel.visit(flow["authorize_url"])
        with vercel.hold("token") as hold, ThreadPoolExecutor(1) as pool:
            pending = pool.submit(connections.submit, flow["flow_id"], address)
            hold.wait()
            after = restart(connections, kill=True)
            assert pending.exception()
        asked = len(vercel.requests("token"))
        shown = after.flow(flow["flow_id"])
        assert (shown["state"], shown["error"]["code"]) == ("awaiting_user", "restarted")
        assert len(vercel.requests("token")) == asked == 1
        assert finish(after, vercel, shown)["state"] == "completed"


class TestRefresh:
    """Tokens of a sign-in live for an hour, and each refresh token works once."""

    def test_parallel_users_of_an_expired_token_refresh_it_once(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        sign_in_until_expired(connections, vercel)
        connections.server.start()
        after = Connections(connections.server, "vercel")
        with ThreadPoolExecutor(PARALLEL) as pool:
            bodies = list(pool.map(lambda _: after.status(verify=True), range(PARALLEL)))
        assert all(body["connected"] for body in bodies)
        assert len(vercel.requests("token", grant_type="refresh_token")) == 1
        assert detail(after)["state"] == "connected"

    def test_a_refresh_that_fails_keeps_the_tokens_and_is_tried_again(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        sign_in_until_expired(connections, vercel)
        vercel.fault("token", 503, times=MANY)
        connections.server.start()
        after = Connections(connections.server, "vercel")
        shown = detail(after)
        assert shown["state"] == "degraded"
        assert shown["next_try"] and "503" in shown["reason"]
        vercel.clear()
        eventually(lambda: detail(after)["state"] == "connected", WAIT_SECONDS, "it is refreshed")

    def test_a_revoked_grant_asks_for_a_new_sign_in_and_keeps_the_account(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        sign_in_and_stop(connections, vercel)
        vercel.revoke_all()
        connections.server.start()
        after = Connections(connections.server, "vercel")
        shown = detail(after)
        assert (shown["state"], bool(shown["reason"])) == ("needs_reauth", True)
        status = after.status()
        assert (status["status"], status["username"]) == ("needs_auth", "octo-vercel")
        ended = finish(after, vercel, after.reconnect())
        assert ended["state"] == "completed"

    def test_a_refresh_that_was_killed_asks_for_a_new_sign_in(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        sign_in_until_expired(connections, vercel)
        with vercel.hold("token") as hold:
            connections.server.start()
            hold.wait()
            after = restart(connections, kill=True)
        # Vercel has taken the refresh token, and its answer is lost: the token is used again
        eventually(
            lambda: detail(after)["state"] == "needs_reauth", WAIT_SECONDS, "the grant is gone"
        )
        sign_in(after, vercel)

    def test_a_client_that_vercel_forgot_asks_for_a_new_sign_in(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        sign_in_and_stop(connections, vercel)
        vercel.forget_clients()
        connections.server.start()
        after = Connections(connections.server, "vercel")
        eventually(
            lambda: detail(after)["state"] in {"needs_reauth", "degraded"}, WAIT_SECONDS, "told"
        )
        assert detail(after)["reason"]
        sign_in(after, vercel)
        assert vercel.requests("register")


class TestAccessTokens:
    """Tokens that people create and paste."""

    def test_an_access_token_signs_in(self, connections: Connections, vercel: FakeVercel) -> None:
        body = {"token": vercel.create_token(PAT)}
        answer = connections.http.post("/api/connectors/vercel/token", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["ok"] is True
        status = connections.status()
        assert (status["username"], status["auth_method"]) == ("octo-vercel", "api_token")

    def test_a_refused_access_token_is_a_bad_request_and_keeps_the_connection(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        sign_in(connections, vercel)
        for token in ("unknown-token-0123456789", "short", "with blanks 0123456789"):
            body = {"token": token}
            answer = connections.http.post("/api/connectors/vercel/token", json=body)
            assert answer.status_code == 400, answer.text
        status = connections.status()
        assert (status["connected"], status["auth_method"]) == (True, "oauth")

    def test_a_revoked_access_token_asks_for_a_new_one(
        self, connections: Connections, vercel: FakeVercel
    ) -> None:
        connections.http.post(
            "/api/connectors/vercel/token", json={"token": vercel.create_token(PAT)}
        )
        vercel.revoke_all()
        assert detail(restart(connections))["state"] == "needs_reauth"

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_failing_api_keeps_an_access_token(
        self, connections: Connections, vercel: FakeVercel, status: int
    ) -> None:
        connections.http.post(
            "/api/connectors/vercel/token", json={"token": vercel.create_token(PAT)}
        )
        vercel.user_status = status
        after = restart(connections)
        assert detail(after)["state"] == "degraded"
        assert after.status()["connected"]
