"""The browser's return to the server's public address."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from xo_cowork_core.sdk.testing import Connections, FakeOAuthServer, LiveServer

TOKEN = "an-api-token"
PUBLIC = "https://box.example"
CALLBACK = "/api/oauth/callback"
MARK = "reflect-me-<script>"


@pytest.fixture(scope="module")
def guarded(environment: dict[str, str], acme_folder: Path) -> Iterator[LiveServer]:
    """A server with a token, behind a public address."""
    more = {"XO_API_TOKEN": TOKEN, "XO_PUBLIC_URL": PUBLIC}
    with LiveServer(environment=environment | more, python_path=[acme_folder]) as running:
        yield running


@pytest.fixture
def acme(guarded: LiveServer, provider: FakeOAuthServer) -> Connections:
    guarded.client.headers["Authorization"] = f"Bearer {TOKEN}"
    connections = Connections(guarded, "acme")
    connections.disconnect()
    return connections


@pytest.fixture
def browser(guarded: LiveServer) -> Iterator[httpx.Client]:
    """A browser without the token, behind the proxy of the public address."""
    headers = {"Host": "box.example"}
    with httpx.Client(
        base_url=guarded.base_url, headers=headers, timeout=30, trust_env=False
    ) as client:
        yield client


def come_back(browser: httpx.Client, address: str) -> httpx.Response:
    assert address.startswith(PUBLIC + CALLBACK + "?"), address
    return browser.get(address.removeprefix(PUBLIC))


def test_the_browser_comes_back_without_a_token(
    acme: Connections, provider: FakeOAuthServer, browser: httpx.Client
) -> None:
    flow = acme.connect(method="authorization_code")
    assert flow["redirect"] == "public"
    page = come_back(browser, provider.visit(flow["authorize_url"]))
    assert page.status_code == 200
    assert "Signed in" in page.text
    assert acme.flow(flow["flow_id"])["state"] == "completed"


def test_a_state_works_once(
    acme: Connections, provider: FakeOAuthServer, browser: httpx.Client
) -> None:
    flow = acme.connect(method="authorization_code")
    address = provider.visit(flow["authorize_url"])
    assert come_back(browser, address).status_code == 200
    assert come_back(browser, address).status_code == 400
    assert acme.flow(flow["flow_id"])["state"] == "completed"
    assert len(provider.requests("token")) == 1


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_no_other_method_uses_the_state_up(
    acme: Connections, provider: FakeOAuthServer, browser: httpx.Client, method: str
) -> None:
    flow = acme.connect(method="authorization_code")
    address = provider.visit(flow["authorize_url"])
    answer = browser.request(method, address.removeprefix(PUBLIC))
    assert answer.status_code in {401, 405}
    assert acme.flow(flow["flow_id"])["state"] == "awaiting_user"
    assert come_back(browser, address).status_code == 200


def test_a_refusal_comes_back_too(
    acme: Connections, provider: FakeOAuthServer, browser: httpx.Client
) -> None:
    flow = acme.connect(method="authorization_code")
    provider.consent = "deny"
    page = come_back(browser, provider.visit(flow["authorize_url"]))
    assert page.status_code == 400
    assert "The person said no" not in page.text
    assert acme.flow(flow["flow_id"])["error"]["code"] == "access_denied"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=unknown&code=x",
        f"state={MARK}&code={MARK}&error={MARK}&error_description={MARK}&iss={MARK}",
        "state=%00&code=%ff%fe",
        "state=" + "x" * 5000,
        "&".join(["state=a"] * 500),
    ],
)
def test_a_foreign_return_is_refused_and_nothing_of_it_is_shown(
    acme: Connections, browser: httpx.Client, query: str
) -> None:
    flow = acme.connect(method="authorization_code")
    page = browser.get(f"{CALLBACK}?{query}")
    assert page.status_code == 400
    assert MARK not in page.text
    assert "script" not in page.text
    assert acme.flow(flow["flow_id"])["state"] == "awaiting_user"
    acme.cancel(flow["flow_id"])


def test_a_repeated_parameter_is_no_answer(
    acme: Connections, provider: FakeOAuthServer, browser: httpx.Client
) -> None:
    flow = acme.connect(method="authorization_code")
    address = provider.visit(flow["authorize_url"])
    state = parse_qs(urlsplit(address).query)["state"][0]
    assert come_back(browser, f"{address}&state={state}").status_code == 400
    assert acme.flow(flow["flow_id"])["state"] == "awaiting_user"
    assert come_back(browser, address).status_code == 200


def test_the_page_is_kept_by_nobody_and_runs_nothing(browser: httpx.Client) -> None:
    page = browser.get(CALLBACK)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Frame-Options"] == "DENY"
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy


def test_nothing_else_opens_without_the_token(acme: Connections, browser: httpx.Client) -> None:
    flow = acme.connect(method="authorization_code")
    path = f"/api/connectors/acme/flows/{flow['flow_id']}"
    for method, url in (
        ("GET", "/api/connectors"),
        ("GET", path),
        ("DELETE", path),
        ("POST", f"{path}/input"),
        ("POST", "/api/connectors/acme/connect"),
        ("POST", "/api/connectors/acme/disconnect"),
        ("GET", "/api/connectors/acme/status"),
        ("GET", "/api/oauth"),
        ("GET", "/api/oauth/"),
        ("GET", "/api/oauth/callback/"),
        ("GET", "/api/oauth/callback/../../connectors"),
        ("GET", "/api/oauth/callback%2f..%2f..%2fconnectors"),
        ("GET", "/api/oauth/Callback"),
        ("GET", "//api/oauth/callback"),
    ):
        answer = browser.request(method, url)
        assert answer.status_code == 401, (method, url, answer.status_code)
    assert browser.post(CALLBACK).status_code in {401, 405}
    # a token in the query opens nothing either
    assert browser.get(f"/api/connectors?token={TOKEN}").status_code == 401
    acme.cancel(flow["flow_id"])


def test_a_foreign_host_does_not_reach_the_callback(browser: httpx.Client) -> None:
    answer = browser.get(CALLBACK, headers={"Host": "evil.example"})
    assert answer.status_code == 403


def test_a_trusted_proxy_tells_where_the_browser_comes_back_to(
    environment: dict[str, str], acme_folder: Path, provider: FakeOAuthServer
) -> None:
    trusting = environment | {"XO_TRUST_FORWARDED": "1"}
    with LiveServer(environment=trusting, python_path=[acme_folder]) as server:
        proxied = Connections(server, "acme")
        forwarded = {"X-Forwarded-Host": "box.example", "X-Forwarded-Proto": "https"}
        server.client.headers.update(forwarded)
        flow = proxied.connect(method="authorization_code")
        assert flow["redirect"] == "public"
        address = provider.visit(flow["authorize_url"])
        page = come_back(server.client, address)
        assert page.status_code == 200
        assert proxied.flow(flow["flow_id"])["state"] == "completed"


def test_without_a_told_address_the_browser_comes_back_to_the_loopback(
    server: LiveServer, provider: FakeOAuthServer
) -> None:
    plain = Connections(server, "acme")
    flow = plain.connect(method="authorization_code")
    assert flow["redirect"] == "loopback"
    # unless the server's own address is asked for
    flow = plain.connect(method="authorization_code", redirect="public")
    address = provider.visit(flow["authorize_url"])
    assert address.startswith(server.base_url + CALLBACK)
    assert httpx.get(address, timeout=30, trust_env=False).status_code == 200
    assert plain.flow(flow["flow_id"])["state"] == "completed"
