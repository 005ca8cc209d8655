"""What the real gateway's agents work with, and its configuration without secrets."""

from collections.abc import Iterator

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import TOKEN, GatewayProcess, environment
from tests.support.answers import get_json
from xo_cowork_core.sdk.testing import LiveServer

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(real_openclaw: GatewayProcess) -> Iterator[LiveServer]:
    values = {"XO_PLUGINS": "runtime_openclaw", **environment(real_openclaw.url)}
    with LiveServer(environment=values) as running:
        yield running


def test_the_gateway_lists_its_tools_and_automations(server: LiveServer) -> None:
    tools = {row["name"]: row for row in get_json(server, "/api/tools")}
    assert {"read", "write", "edit", "exec"} <= tools.keys()
    assert tools["read"]["description"]
    jobs = {row["name"]: row for row in get_json(server, "/api/automations")}
    heartbeat = jobs["heartbeat-main"]
    assert heartbeat["enabled"] is True
    assert heartbeat["schedule"].startswith("every ")


def test_its_configuration_is_shown_masked(server: LiveServer) -> None:
    config = get_json(server, "/api/config/openclaw")
    assert config == get_json(server, "/api/config/agents/openclaw")
    assert config["gateway"]["auth"] == {"mode": "token", "token": "••••"}
    assert config["models"]["providers"]["fake"]["apiKey"] == "••••"
    assert config["models"]["providers"]["fake"]["models"][0]["maxTokens"] > 0
    assert TOKEN not in str(config)


@pytest.mark.parametrize("subject", ["models", "channels", "providers"])
def test_its_live_status_is_the_gateways(server: LiveServer, subject: str) -> None:
    status = get_json(server, f"/{subject}/status")
    assert status["runtime"] == "openclaw"
    if subject == "models":
        assert status["default"] == "fake/model-1"
        assert status["models"][0]["id"] == "fake/model-1"
    elif subject == "channels":
        assert (status["gateway_running"], status["channels"]) == (True, {})
    else:
        assert {row["id"] for row in status["providers"]} >= {"fake"}


def test_its_address_is_shown(server: LiveServer, real_openclaw: GatewayProcess) -> None:
    status = get_json(server, "/api/channels/openclaw/status")
    assert (status["running"], status["port"]) == (True, real_openclaw.port)
    assert status["ws_url"] == real_openclaw.url
