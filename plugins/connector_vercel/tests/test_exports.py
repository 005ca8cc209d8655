"""The members `vercel` and `vercel_client` of mcp-tokens.json, written and taken over."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.vercel import FakeVercel
from xo_cowork_core.sdk.testing import Connections, LiveServer, eventually

SECONDS = 30.0
PAT = "vercel-token-0123456789abcdef"


def exported(path: Path) -> Mapping[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def wait_for(path: Path, section: str, **values: object) -> Mapping[str, Any]:
    """Wait until a section has these values, and return the file's content."""

    def has_values() -> bool:
        return values.items() <= exported(path).get(section, {}).items()

    eventually(has_values, SECONDS, f"{section} has {values}")
    return exported(path)


def test_a_sign_in_is_written_with_its_client_and_taken_out_again(
    connections: Connections, vercel: FakeVercel
) -> None:
    path = connections.server.state / "mcp-tokens.json"
    flow = connections.connect(method="oauth")
    vercel.sign_in(flow["authorize_url"])
    assert connections.wait(flow["flow_id"])["state"] == "completed"
    content = wait_for(path, "vercel", auth_method="oauth", username="octo-vercel")
    section = content["vercel"]
    assert vercel.has_signed_in(section["access_token"])
    assert section["refresh_token"] in vercel.store.refresh
    assert section["expires_at"] > 0
    assert section["name"] == "Octo Test"
    assert content["vercel_client"]["client_id"] in vercel.store.clients
    assert path.stat().st_mode & 0o777 == 0o600
    connections.disconnect()
    eventually(lambda: not {"vercel", "vercel_client"} & exported(path).keys(), SECONDS, "gone")


def test_an_access_token_is_written_without_a_client(
    connections: Connections, vercel: FakeVercel
) -> None:
    path = connections.server.state / "mcp-tokens.json"
    connections.http.post("/api/connectors/vercel/token", json={"token": vercel.create_token(PAT)})
    content = wait_for(path, "vercel", auth_method="api_token", access_token=PAT)
    assert content["vercel"]["expires_at"] == 0
    assert "vercel_client" not in content


@pytest.mark.parametrize("method", ["oauth", "api_token"])
def test_what_an_older_server_left_is_taken_over(
    environment: Mapping[str, str], vercel: FakeVercel, method: str
) -> None:
    vercel.clear()
    vercel.add_client("older-client")
    issued = vercel.issue("openid", "older-client")
    token = issued.access_token if method == "oauth" else vercel.create_token(PAT)
    section = {
        "access_token": token,
        "refresh_token": issued.refresh_token if method == "oauth" else None,
        "expires_at": 1.0 if method == "oauth" else 0,
        "token_type": "Bearer",
        "auth_method": method,
        "username": "older-name",
        "name": "",
    }
    client = {"client_id": "older-client", "redirect_uris": ["http://localhost:5002/callback"]}
    server = LiveServer(environment=environment)
    server.state.mkdir(parents=True)
    file = server.state / "mcp-tokens.json"
    file.write_text(json.dumps({"vercel": section, "vercel_client": client}))
    with server:
        connections = Connections(server, "vercel")
        eventually(
            lambda: connections.status(verify=True)["username"] == "octo-vercel",
            SECONDS,
            "the connection is taken over",
        )
        assert connections.status()["auth_method"] == method
        refreshed = vercel.requests("token", grant_type="refresh_token")
        assert len(refreshed) == (1 if method == "oauth" else 0)
        assert all(each.parameters["client_id"] == "older-client" for each in refreshed)
