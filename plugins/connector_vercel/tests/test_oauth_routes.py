"""The routes of clients that carry out the browser's part of a sign-in themselves."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.vercel import FakeVercel
from xo_cowork_core.sdk.testing import Connections, LiveServer

START = "/api/connectors/vercel/oauth/start"
EXCHANGE = "/api/connectors/vercel/oauth/exchange"
RESOURCE = "/.well-known/oauth-protected-resource"
CONFIGURED = "https://workspace.example/vercel/callback"
OWN_PAGE = "http://localhost:3000/callback"
ORIGIN = "http://localhost:3000"
TOKEN = "token-of-the-server-0123456789"


def start(connections: Connections, uri: str = OWN_PAGE, **headers: str) -> dict[str, Any]:
    answer = connections.http.get(START, params={"redirect_uri": uri}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def come_back(vercel: FakeVercel, started: dict[str, Any]) -> dict[str, str]:
    """Return the query with which the browser comes back, decoded."""
    location = vercel.visit(started["authorize_url"])
    return {key: values[0] for key, values in parse_qs(urlsplit(location).query).items()}


def exchange(connections: Connections, query: dict[str, str]) -> httpx.Response:
    body = {"code": query["code"], "state": query["state"]}
    return connections.http.post(EXCHANGE, json=body)


def message_of(page: httpx.Response) -> tuple[Any, str]:
    """Return what a page sends to its opener, and to which origin."""
    found = re.search(r'data-message="([^"]*)" data-origin="([^"]*)"', page.text)
    assert found, page.text
    return json.loads(html.unescape(found[1])), html.unescape(found[2])


def test_a_client_exchanges_the_code_that_its_own_page_got(
    connections: Connections, vercel: FakeVercel
) -> None:
    started = start(connections)
    sent = parse_qs(urlsplit(started["auth_url"]).query)
    assert started["authorize_url"] == started["auth_url"]
    assert sent["redirect_uri"] == [OWN_PAGE]
    assert sent["state"] == [started["state"]]
    assert connections.flow(started["code_verifier_id"])["state"] == "awaiting_user"
    query = come_back(vercel, started)
    done = exchange(connections, query)
    assert done.status_code == 200, done.text
    assert (done.json()["status"], done.json()["auth_method"]) == ("connected", "oauth")
    # the reply may have been lost
    again = exchange(connections, query)
    assert (again.status_code, again.json()["status"]) == (200, "connected")
    assert len(vercel.requests("token")) == 1


def test_a_second_click_returns_the_open_sign_in(
    connections: Connections, vercel: FakeVercel
) -> None:
    first = start(connections)
    assert start(connections) == first
    other = start(connections, "http://localhost:3001/callback")
    assert other["state"] != first["state"]
    uris = [each.parameters["redirect_uris"] for each in vercel.requests("register")]
    assert len(uris) == len(set(uris)) <= 2


def test_an_image_of_another_site_does_not_end_the_open_sign_in(connections: Connections) -> None:
    started = start(connections)
    query = {"redirect_uri": "http://localhost:3999/callback"}
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert connections.http.get(START, params=query, headers=headers).status_code == 403
    assert connections.flow(started["code_verifier_id"])["state"] == "awaiting_user"
    # the script of a page that is let in
    allowed = {**headers, "origin": ORIGIN}
    assert connections.http.get(START, params=query, headers=allowed).status_code == 200


@pytest.mark.parametrize(
    "uri",
    [
        "https://attacker.example/callback",
        "http://attacker.example/callback",
        "https://localhost/callback",
        "http://localhost.attacker.example/",
        "http://localhost@attacker.example/",
        "http://user@localhost:3000/",
        "http://[::1]:3000/",
        "http://127.0.0.2/",
        "http://localhost:0/",
        "http://localhost:99999/",
        "http://localhost:3000/#part",
        "http://localhost:3000/ a",
        "http://localhost\\@attacker.example/",
        "javascript:alert(1)",
        "//localhost/callback",
        CONFIGURED + "/other",
        "x" * 2000,
    ],
)
def test_a_redirect_uri_that_vercel_would_refuse_is_refused_here(
    connections: Connections, vercel: FakeVercel, uri: str
) -> None:
    answer = connections.http.get(START, params={"redirect_uri": uri})
    assert answer.status_code == 400, answer.text
    assert "redirect_uri" in answer.json()["detail"]
    assert not vercel.requests()


def test_vercel_refuses_the_configured_uri_unless_it_has_approved_it(
    connections: Connections, vercel: FakeVercel
) -> None:
    refused = connections.http.get(START, params={"redirect_uri": CONFIGURED})
    assert refused.status_code == 502
    assert "VERCEL_OAUTH_REDIRECT_URI: unset it" in refused.json()["detail"]["error"]
    assert vercel.requests("register")[0].parameters["redirect_uris"] == CONFIGURED
    vercel.options.loopback_redirects_only = False
    try:
        started = start(connections, CONFIGURED)
        assert exchange(connections, come_back(vercel, started)).status_code == 200
        # without a URI it is the configured one
        default = connections.http.get(START).json()
        assert f"redirect_uri={quote(CONFIGURED, safe='')}" in default["auth_url"]
    finally:
        vercel.options.loopback_redirects_only = True


def test_a_changed_redirect_uri_registers_a_client_of_its_own(
    connections: Connections, vercel: FakeVercel
) -> None:
    used = []
    for port in (3100, 3101, 3100):
        started = start(connections, f"http://127.0.0.1:{port}/callback")
        used.append(parse_qs(urlsplit(started["auth_url"]).query)["client_id"][0])
        assert exchange(connections, come_back(vercel, started)).status_code == 200
    assert used[0] == used[2] != used[1]


class TestCallback:
    """`GET /callback`, to which a browser comes back."""

    @pytest.fixture
    def started(self, connections: Connections, server: LiveServer) -> dict[str, Any]:
        return start(connections, server.base_url + "/callback", origin=ORIGIN)

    def test_the_page_completes_the_sign_in_and_tells_its_opener(
        self,
        connections: Connections,
        vercel: FakeVercel,
        browser: httpx.Client,
        started: dict[str, Any],
    ) -> None:
        page = browser.get("/callback", params=come_back(vercel, started))
        assert page.status_code == 200
        assert message_of(page) == ({"type": "vercel_oauth_success"}, ORIGIN)
        assert connections.status()["connected"]

    def test_a_refusal_is_told_too(
        self, vercel: FakeVercel, browser: httpx.Client, started: dict[str, Any]
    ) -> None:
        vercel.consent = "deny"
        page = browser.get("/callback", params=come_back(vercel, started))
        assert page.status_code == 400
        message, origin = message_of(page)
        assert message == {"type": "vercel_oauth_error", "error": "Access was denied."}
        assert origin == ORIGIN

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "code=x",
            "code=x&state=wrong",
            "state=wrong&error=access_denied",
            "code=a&code=b&state=s",
            "code=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&state=%3Cscript%3E",
            "error=%3Cimg%20src=x%20onerror=alert(1)%3E&state=%3Cimg%3E",
            "code=%00&state=%ff%fe",
        ],
    )
    def test_a_stray_request_changes_nothing_and_is_not_repeated_on_the_page(
        self,
        connections: Connections,
        browser: httpx.Client,
        started: dict[str, Any],
        query: str,
    ) -> None:
        page = browser.get(f"/callback?{query}")
        assert page.status_code == 400
        assert page.text.count("<script") == 1
        assert "alert(1)" not in page.text
        assert message_of(page)[0]["type"] == "vercel_oauth_error"
        assert connections.flow(started["code_verifier_id"])["state"] == "awaiting_user"

    def test_what_a_browser_brings_is_no_access_token(
        self, connections: Connections, vercel: FakeVercel, browser: httpx.Client
    ) -> None:
        flow = connections.connect(method="api_token")
        vercel.create_token("code=x&state=0123456789")
        assert browser.get("/callback?code=x&state=0123456789").status_code == 400
        waiting = connections.flow(flow["flow_id"])
        assert (waiting["state"], waiting["error"]) == ("awaiting_user", None)
        assert not vercel.requests("userinfo")

    def test_a_parameter_that_comes_twice_is_refused(
        self, vercel: FakeVercel, browser: httpx.Client, started: dict[str, Any]
    ) -> None:
        query = list(come_back(vercel, started).items())
        twice = browser.get("/callback", params=[("code", "other"), *query])
        assert twice.status_code == 400
        assert not vercel.requests("token")
        assert browser.get("/callback", params=query).status_code == 200

    def test_the_page_names_one_origin_and_loads_nothing(
        self, browser: httpx.Client, server: LiveServer, connections: Connections
    ) -> None:
        page = browser.get("/callback")
        # nobody has started a sign-in from another page
        assert message_of(page)[1] in {ORIGIN, server.base_url}
        assert "'*'" not in page.text and '"*"' not in page.text
        headers = page.headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        script = page.text.partition("<script>")[2].partition("</script>")[0]
        assert f"'sha256-{_digest(script)}'" in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2]

    def test_the_opener_is_this_server_where_the_start_names_none(
        self, connections: Connections, vercel: FakeVercel, server: LiveServer
    ) -> None:
        started = start(connections, server.base_url + "/callback")
        page = connections.http.get("/callback", params=come_back(vercel, started))
        assert message_of(page) == ({"type": "vercel_oauth_success"}, server.base_url)


def _digest(script: str) -> str:
    import base64
    import hashlib

    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


class TestPublicRoutes:
    """What is served without the API token, and under a public address."""

    @pytest.fixture(scope="class")
    @classmethod
    def guarded(cls, network: LoopbackNetwork) -> Iterator[LiveServer]:
        environment = {
            **network.environment,
            "XO_PLUGINS": "connector_vercel",
            "XO_API_TOKEN": TOKEN,
            "XO_PUBLIC_URL": "https://box.example",
        }
        with LiveServer(environment=environment) as running:
            yield running

    def test_only_the_page_and_the_document_need_no_token(self, guarded: LiveServer) -> None:
        http = guarded.client
        assert http.get("/callback").status_code == 400
        assert http.get(RESOURCE).status_code == 200
        assert http.get(START).status_code == 401
        assert http.post(EXCHANGE, json={"code": "c", "state": "s"}).status_code == 401

    def test_the_document_has_the_configured_address_whatever_the_request_names(
        self, guarded: LiveServer
    ) -> None:
        for host in ("127.0.0.1", "box.example", "localhost:80"):
            headers = {"host": host, "x-forwarded-host": "attacker.example"}
            document = guarded.client.get(RESOURCE, headers=headers).json()
            assert document["resource"] == "https://box.example"
            assert document["authorization_servers"] == ["https://vercel.com"]
        refused = guarded.client.get(RESOURCE, headers={"host": "attacker.example"})
        assert refused.status_code == 403

    def test_a_preflight_is_answered(self, guarded: LiveServer) -> None:
        plain = guarded.client.options(RESOURCE)
        assert plain.status_code == 204
        assert plain.headers["access-control-allow-methods"] == "GET, OPTIONS"
        headers = {"origin": ORIGIN, "access-control-request-method": "GET"}
        answer = guarded.client.options(RESOURCE, headers=headers)
        assert answer.headers["access-control-allow-origin"] == ORIGIN

    def test_behind_a_public_address_a_port_of_this_machine_is_used(
        self, guarded: LiveServer, vercel: FakeVercel
    ) -> None:
        headers = {"authorization": f"Bearer {TOKEN}"}
        started = guarded.client.get(START, headers=headers).json()
        uri = parse_qs(urlsplit(started["auth_url"]).query)["redirect_uri"][0]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback", uri)
        body = come_back(vercel, started)
        done = guarded.client.post(EXCHANGE, json=body, headers=headers)
        assert done.status_code == 200, done.text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "c"},
        {"state": "s"},
        {"code": "", "state": "s"},
        {"code": 5, "state": "s"},
        {"code": "c", "state": None},
        {"code": "c" * 20000, "state": "s"},
        [],
    ],
)
def test_a_malformed_exchange_is_refused(connections: Connections, body: Any) -> None:
    assert connections.http.post(EXCHANGE, json=body).status_code in {400, 422}


def test_an_exchange_takes_what_stands_in_a_url_decoded_once(
    connections: Connections, vercel: FakeVercel
) -> None:
    query = come_back(vercel, start(connections))
    assert set("/+=") & set(query["code"])
    encoded = {"code": quote(query["code"], safe=""), "state": query["state"]}
    assert exchange(connections, encoded).status_code in {400, 409}
    assert urlencode({"code": query["code"]}) != f"code={query['code']}"
    again = come_back(vercel, start(connections))
    assert exchange(connections, again).status_code == 200
