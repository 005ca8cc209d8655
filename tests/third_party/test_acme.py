"""A plugin from its own folder, installed as a third party's users do, with no change here."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer

FOLDER = Path(__file__).parent / "acme"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    uv = Path(sys.executable).with_name("uv")
    install = [uv, "pip", "install", "--quiet", "--no-deps", "--target", target, FOLDER]
    subprocess.run(install, check=True, timeout=100)
    return target


@pytest.fixture(scope="module")
def server(installed: Path) -> Iterator[LiveServer]:
    keys = {"ACME_KEY": "ak-1", "OTHER_KEY": "not for acme", "ACME_GREETING": "good day"}
    with LiveServer(environment=keys, python_path=[installed]) as server:
        yield server


def test_its_record_names_its_distribution(server: LiveServer):
    rows = server.client.get("/api/plugins").json()["plugins"]
    row = next(row for row in rows if row["name"] == "tool_acme")
    assert (row["state"], row["distribution"], row["version"]) == ("ready", "acme-for-xo", "1.2.0")
    assert row["routes"] == ["GET /api/acme/hello"]
    assert 0 < row["import_ms"] < 1000


def test_its_route_answers_with_its_setting_and_its_own_keys_alone(server: LiveServer):
    assert server.client.get("/api/acme/hello").json() == {
        "greeting": "good day",
        "keys": "ACME_KEY",
        "state": "up",
    }


def test_its_secrets_are_described(server: LiveServer):
    rows = server.client.get("/api/plugins").json()["plugins"]
    schema = next(row for row in rows if row["name"] == "tool_acme")["secrets_schema"]
    assert schema["required"] == ["ACME_KEY"]
    assert schema["properties"]["ACME_KEY"]["writeOnly"] is True
    assert schema["properties"]["ACME_KEY"]["format"] == "password"
    assert schema["properties"]["ACME_KEY"]["pattern"] == "^ak-"


def test_its_runtime_runs_a_turn_with_its_keys(server: LiveServer):
    (server.state / "env").write_text("ACME_TEAM_KEY=1\nOF_NO_PLUGIN=1\n")
    text = Chat(server, "acme-agent").run_turn("ping").text
    assert text == "Acme heard: ping keys: ACME_KEY,ACME_TEAM_KEY"


def test_its_routes_carry_its_name_in_the_document(server: LiveServer):
    document = server.client.get("/openapi.json").json()
    operation = document["paths"]["/api/acme/hello"]["get"]
    assert operation["tags"] == ["tool_acme"]
    assert operation["operationId"] == "tool_acme_hello"


def test_its_routes_require_the_token(server: LiveServer):
    refused = server.client.get("/api/acme/hello", headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
