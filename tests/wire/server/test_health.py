"""`GET /` and `GET /health` in both wire styles (contract §10)."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import LiveServer

FIELDS = {
    "status": "ok",
    "stage": "local",
    "chat_api_url": "http://127.0.0.1:9/xo",
    "ai_provider": "demo",
    "auth": {"authenticated": True, "token_source": "api_key", "expires_at": None},
    "active_sessions": 0,
}
KEY = "key-of-the-settings-1"


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    environment = {
        "CHAT_API_BASE_URL": "http://127.0.0.1:9/xo/",
        "XO_API_KEY": KEY,
        "AGENT_NAME": "demo",
        "CODEX_CLI_PATH": "/no/such/codex",
    }
    with LiveServer(environment=environment) as running:
        yield running


@pytest.mark.parametrize("style", ["docs", "spa"])
def test_the_root_says_that_the_server_runs(server: LiveServer, style: str) -> None:
    body = server.client.get("/", headers={"X-XO-Wire": style}).json()
    assert body.keys() == {"status", "name", "version", "docs"}
    assert (body["status"], body["docs"]) == ("XO Cowork API running", "/openapi.json")


@pytest.mark.parametrize("style", ["docs", "spa"])
def test_the_health_has_the_fields_of_the_contract(server: LiveServer, style: str) -> None:
    body = server.client.get("/health", headers={"X-XO-Wire": style}).json()
    assert {name: body[name] for name in FIELDS} == FIELDS
    for runtime in body["runtimes"].values():
        assert runtime.keys() == {"state", "binary", "version", "detail"}
    assert body["plugins"]["runtime_demo"] == "ready"
    # what the runtimes' plugins add
    assert body["claude_cli"] == body["runtimes"]["claude_code"]["binary"]
    assert body["codex_cli"] == body["runtimes"]["codex"]["binary"]


def test_the_health_is_open_and_names_no_account_and_no_key(server: LiveServer) -> None:
    text = server.client.get("/health").text
    assert KEY not in text
    assert "user" not in text


def test_without_its_plugin_a_field_is_absent_and_the_default_is_the_first_that_is_ready() -> None:
    with LiveServer(environment={"XO_PLUGINS": "runtime_demo"}) as server:
        body = server.client.get("/health").json()
    assert "claude_cli" not in body
    assert (body["ai_provider"], body["chat_api_url"]) == ("demo", "")
    assert body["auth"]["authenticated"] is False
