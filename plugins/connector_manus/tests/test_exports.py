"""The member `manus` of mcp-tokens.json, written and taken over."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.manus import FakeManus
from xo_cowork_core.sdk.testing import Connections, LiveServer, eventually

KEY = "sk-manus-works-0123456789"
FILE = "mcp-tokens.json"
SECTION = {"api_key": KEY, "expires_at": 0, "token_type": "api_key"}
SECONDS = 30.0


@pytest.fixture(scope="module")
def network() -> Iterator[LoopbackNetwork]:
    manus = FakeManus()
    manus.accept_key(KEY)
    with LoopbackNetwork(manus.hosts) as running:
        yield running


def exported(path: Path) -> Mapping[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def test_a_key_is_taken_over_written_and_taken_out_again(network: LoopbackNetwork) -> None:
    server = LiveServer(environment={**network.environment, "XO_PLUGINS": "connector_manus"})
    server.state.mkdir(parents=True)
    file = server.state / FILE
    file.write_text(json.dumps({"manus": SECTION, "other": {"kept": True}}))
    with server:
        connections = Connections(server, "manus")
        eventually(lambda: connections.status(verify=True)["connected"], SECONDS, "taken over")
        assert connections.status()["auth_method"] == "api_key"
        connections.disconnect()
        eventually(lambda: "manus" not in exported(file), SECONDS, "taken out")
        connections.http.post("/api/connectors/manus/token", json={"token": KEY})
        eventually(lambda: exported(file).get("manus") == SECTION, SECONDS, "written")
        assert exported(file)["other"] == {"kept": True}
        assert file.stat().st_mode & 0o777 == 0o600
