"""Who may see secrets: refused origins, and the audit log of what was shown or changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import LiveServer

VALUE = "planted-audit-41f7"
REQUESTS = (
    ("GET", "/api/secrets/env", None),
    ("GET", "/api/secrets/KEY/reveal", None),
    ("PATCH", "/api/secrets/KEY", {"value": VALUE}),
    ("PUT", "/api/secrets/schema/runtime_keyed", {"values": {"KEYED_KEY": VALUE}}),
    ("PUT", "/api/secrets/env", {"entries": [{"key": "KEY", "value": VALUE}]}),
    ("DELETE", "/api/secrets/KEY", None),
)


def audit_lines(server: LiveServer, log: str = "secrets.jsonl") -> list[dict[str, Any]]:
    file = server.state / "audit" / log
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
def test_a_foreign_page_sees_and_changes_nothing_and_is_recorded(
    server: LiveServer, env_file: Path, origin: str
) -> None:
    env_file.write_text(f"KEY={VALUE}\n")
    before = len(audit_lines(server, "refused.jsonl"))
    for method, path, body in REQUESTS:
        answer = server.client.request(method, path, json=body, headers={"Origin": origin})
        assert VALUE not in expect_error(answer, 403)
        assert "access-control-allow-origin" not in answer.headers
    assert env_file.read_text() == f"KEY={VALUE}\n"
    lines = audit_lines(server, "refused.jsonl")[before:]
    assert [(line["action"], line["origin"]) for line in lines] == [("refused", origin)] * 6
    assert lines[0]["route"] == "GET /api/secrets/env"


def test_what_is_shown_or_changed_is_recorded_without_values(
    server: LiveServer, env_file: Path
) -> None:
    env_file.write_text(f"KEY={VALUE}\n")
    before = len(audit_lines(server))
    origin = "http://localhost:3000"
    for method, path, body in REQUESTS:
        answer = server.client.request(method, path, json=body, headers={"Origin": origin})
        assert answer.status_code == 200, answer.text
    lines = audit_lines(server)[before:]
    assert [(line["action"], line["route"], line["keys"]) for line in lines] == [
        ("reveal", "GET /api/secrets/env", ["KEY"]),
        ("reveal", "GET /api/secrets/KEY/reveal", ["KEY"]),
        ("set", "PATCH /api/secrets/KEY", ["KEY"]),
        ("set", "PUT /api/secrets/schema/runtime_keyed", ["KEYED_KEY"]),
        ("replace", "PUT /api/secrets/env", ["KEY"]),
        ("delete", "DELETE /api/secrets/KEY", ["KEY"]),
    ]
    assert {(line["address"], line["origin"]) for line in lines} == {("127.0.0.1", origin)}
    assert all(line["time"].endswith("+00:00") for line in lines)
    file = server.state / "audit" / "secrets.jsonl"
    assert VALUE not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_what_cannot_be_recorded_is_neither_shown_nor_done(
    server: LiveServer, env_file: Path
) -> None:
    env_file.write_text(f"KEY={VALUE}\n")
    folder = server.state / "audit"
    aside = folder.rename(folder.with_name("audit-aside")) if folder.exists() else None
    folder.write_text("not a folder")
    try:
        for method, path, body in REQUESTS:
            answer = server.client.request(method, path, json=body)
            assert VALUE not in expect_error(answer, 503)
        assert env_file.read_text() == f"KEY={VALUE}\n"
    finally:
        folder.unlink()
        if aside:
            aside.rename(folder)
