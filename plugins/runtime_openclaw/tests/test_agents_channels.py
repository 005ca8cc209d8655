"""Channels, gateway and live status while no gateway runs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from xo_cowork_core.sdk.testing import LiveServer
from xo_runtime_openclaw.json5_reader import read_json5

LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
SECRET = "12345:planted-token"
ENV = "# mine\nOPENAI_API_KEY='planted-key' # the good one\n\nexport TELEGRAM_BOT_TOKEN=old # t\n"


@contextmanager
def run_server() -> Iterator[LiveServer]:
    """Has no OpenClaw and no gateway; its default runtime is OpenClaw all the same."""
    environment = {
        "XO_PLUGINS": "runtime_openclaw",
        "OPENCLAW_GATEWAY_URL": "ws://127.0.0.1:9",
        "AGENT_NAME": "openclaw",
        "OPENCLAW_CLI_PATH": "/nowhere/openclaw",
    }
    server = LiveServer(environment=environment)
    (server.home / ".openclaw").mkdir()
    with server:
        yield server


@pytest.fixture
def server() -> Iterator[LiveServer]:
    with run_server() as running:
        yield running


@pytest.fixture(scope="module")
def unchanged() -> Iterator[LiveServer]:
    """A server that no test of this module changes."""
    with run_server() as running:
        yield running


def env_file(server: LiveServer) -> Path:
    return server.home / ".openclaw" / ".env"


def config_file(server: LiveServer) -> Path:
    return server.home / ".openclaw" / "openclaw.json"


def add(server: LiveServer, **body: str) -> tuple[int, dict[str, object]]:
    answer = server.client.post("/api/channels/add", json=body)
    return answer.status_code, answer.json()


def test_without_openclaw_the_tokens_are_stored_all_the_same(server: LiveServer):
    status, body = add(server, platform="telegram", token=SECRET)
    assert (status, body["ok"], body["restart_required"]) == (200, True, False)
    assert env_file(server).read_text() == f"TELEGRAM_BOT_TOKEN={SECRET}\n"
    assert env_file(server).stat().st_mode & 0o777 == 0o600
    assert not config_file(server).exists()


def test_tokens_take_their_old_lines(server: LiveServer):
    env_file(server).write_text(ENV)
    add(server, channel="telegram", bot_token=SECRET)
    add(server, channel="slack", bot_token="xoxb-1", app_token="xapp-1")
    lines = ENV.replace("old", SECRET).splitlines()
    assert env_file(server).read_text().splitlines() == [
        *lines,
        "SLACK_BOT_TOKEN=xoxb-1",
        "SLACK_APP_TOKEN=xapp-1",
    ]


def test_a_configured_openclaw_gets_the_channel_and_no_token(server: LiveServer):
    config_file(server).write_text('{gateway: {mode: "local"}, // x\n}')
    for channel in ("telegram", "discord"):
        assert add(server, channel=channel, token=SECRET)[0] == 200
    text = config_file(server).read_text()
    assert "// x" in text
    assert SECRET not in text
    assert read_json5(text)["channels"] == {  # type: ignore[index,call-overload]
        "telegram": {"enabled": True},
        "discord": {"enabled": True},
    }
    listed = server.client.get("/api/channels").json()
    assert listed["gateway_running"] is False
    assert listed["channels"]["telegram"] == {
        "id": "telegram",
        "name": "Telegram",
        "type": "telegram",
        "status": "stopped",
        "configured": True,
        "enabled": True,
        "running": False,
        "state": None,
        "accounts": 0,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"channel": "whatsapp", "token": "x"},
        {"channel": "fax", "token": "x"},
        {"channel": "slack", "bot_token": "x"},
        {"channel": "telegram", "app_token": "x"},
        {"channel": "telegram", "token": "a\nB=c"},
        {"channel": "telegram", "token": "  "},
        {},
        {"channel": "telegram"},
        {"channel": "", "token": "x"},
        {"channel": 5, "token": "x"},
        {"channel": ["telegram"], "token": "x"},
        {"channel": "x" * (1 << 20), "token": "x"},
        {"channel": "tele\0gram", "token": "x"},
        {"platform": None, "token": "x"},
        {"platform": "telegram", "token": 5},
        {"platform": "telegram", "bot_token": {"a": 1}},
        {"channel": "slack", "bot_token": "x", "app_token": True},
        {"channel": "slack", "bot_token": "x", "app_token": "a\rb"},
        {"channel": "telegram", "token": "x" * (1 << 20)},
        {"channel": "telegram", "token": "\ud800"},
        *({"channel": "telegram", "token": f"a{end}B=c"} for end in LINE_ENDS),
        {"channel": "telegram", "token": "a\0b"},
    ],
    ids=lambda body: json.dumps(body)[:50],
)
def test_a_wrong_channel_stores_nothing(unchanged: LiveServer, body: dict[str, Any]):
    headers = {"Content-Type": "application/json"}
    raw = unchanged.client.post("/api/channels/add", content=json.dumps(body), headers=headers)
    status, answer = raw.status_code, raw.json()
    assert status == 400
    assert "a\nB=c" not in str(answer["detail"])
    assert not env_file(unchanged).exists()
    assert not config_file(unchanged).exists()


def test_the_gateways_status_names_the_configured_address(server: LiveServer):
    status = server.client.get("/api/channels/openclaw/status").json()
    expected = {"installed": False, "running": False, "port": 9, "ws_url": "ws://127.0.0.1:9"}
    assert status == expected


def test_a_gateway_that_is_down_is_not_restarted(server: LiveServer):
    answer = server.client.post("/gateway/restart").json()
    assert answer["status"] == "failed"
    assert "openclaw gateway run" in answer["error"]


def test_status_without_a_gateway_comes_from_the_files(server: LiveServer):
    env_file(server).write_text(ENV + "GEMINI_API_KEY=planted-key\n")
    config_file(server).write_text('{models: {providers: {own: {apiKey: "planted-key"}}}}')
    answer = server.client.get("/providers/status")
    assert "planted" not in answer.text
    assert answer.json() == {
        "runtime": "openclaw",
        "source": "config",
        "providers": [
            {"id": name, "name": name, "key_set": True, "key_source": source, "status": None}
            for name, source in (("own", "config"), ("openai", "env"), ("google", "env"))
        ],
    }
    assert server.client.get("/models/status").status_code == 503
    channels = server.client.get("/channels/status").json()
    assert channels["gateway_running"] is False
    assert channels["channels"]["telegram"]["configured"] is True
