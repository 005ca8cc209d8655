"""Every malformed request for secrets gets a 4xx with `detail`, and nothing is written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import LiveServer

# what Python or a shell takes for the end of a line, and NUL
SEPARATORS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029\0"
MEGABYTE = "x" * (1 << 20)
BAD_VALUES: tuple[Any, ...] = (
    *(f"planted-9d1c{separator}INJECTED=1" for separator in SEPARATORS),
    "planted-9d1c\r\nINJECTED=1",
    f"planted-9d1c{SEPARATORS[-2]}",
    MEGABYTE,
    5,
    True,
    None,
    ["x"],
    {"a": "x"},
    "\ud800",
)
BAD_KEYS = ("A B", "1A", "A-B", "A.B", "Ä", "A=B", "A'", "$A", "-", "K" * 257, *SEPARATORS)
RESERVED = ("PATH", "HOME", "PORT", "XO_API_TOKEN", "LD_PRELOAD", "PYTHONPATH", "BASH_ENV")
NOT_OBJECTS = (b"", b"{", b"[]", b"1", b"null", b'"text"', b"{}", b"\xff\xfe", b"[" * 100_000)
ROUTES = (
    ("PUT", "/api/secrets/env"),
    ("PATCH", "/api/secrets/KEPT"),
    ("PUT", "/api/secrets/schema/runtime_keyed"),
)


def name(value: Any) -> str:
    return ascii(value)[:40]


@pytest.fixture(autouse=True)
def _nothing_is_written(server: LiveServer, env_file: Path) -> Iterator[None]:
    env_file.write_text("KEPT=1\n")
    audit = server.state / "audit" / "secrets.jsonl"
    before = audit.read_bytes() if audit.exists() else b""
    yield
    assert env_file.read_text() == "KEPT=1\n"
    assert (audit.read_bytes() if audit.exists() else b"") == before


def send(server: LiveServer, method: str, path: str, body: Any):
    # half of a surrogate pair can be escaped in JSON, though not encoded
    return server.client.request(
        method, path, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )


@pytest.mark.parametrize("value", BAD_VALUES, ids=name)
def test_a_wrong_value_is_refused_on_every_route(server: LiveServer, value: Any) -> None:
    entries = [{"key": "GOOD", "value": "1"}, {"key": "BAD", "value": value}]
    in_form: dict[str, Any] = {"KEYED_KEY": value}
    answers = [
        send(server, "PUT", "/api/secrets/env", {"entries": entries}),
        send(server, "PATCH", "/api/secrets/KEPT", {"value": value}),
        send(server, "PATCH", "/api/secrets/BAD", {"value": value}),
        send(server, "PUT", "/api/secrets/schema/runtime_keyed", {"values": in_form}),
    ]
    for answer in answers:
        status = 413 if answer.status_code == 413 and value is MEGABYTE else 400
        assert "planted-9d1c" not in expect_error(answer, status)
    if isinstance(value, str) and value != "\ud800":
        assert "Entry 2, BAD" in answers[0].json()["detail"]


@pytest.mark.parametrize("key", BAD_KEYS, ids=name)
def test_a_wrong_key_is_refused_on_every_route(server: LiveServer, key: str) -> None:
    entries = [{"key": "GOOD", "value": "1"}, {"key": key, "value": "2"}]
    answer = send(server, "PUT", "/api/secrets/env", {"entries": entries})
    assert "Entry 2" in expect_error(answer)
    path = f"/api/secrets/{quote(key)}"
    expect_error(send(server, "PATCH", path, {"value": "1"}))
    expect_error(server.client.get(f"{path}/reveal"), 404)
    expect_error(server.client.delete(path), 404)
    body = {"values": {"KEYED_KEY": "1", key: "2"}}
    expect_error(send(server, "PUT", "/api/secrets/schema/runtime_keyed", body))


@pytest.mark.parametrize("key", RESERVED)
def test_a_reserved_name_is_refused_with_the_reason(server: LiveServer, key: str) -> None:
    entries = [{"key": key, "value": "x"}]
    for answer in (
        send(server, "PUT", "/api/secrets/env", {"entries": entries}),
        send(server, "PATCH", f"/api/secrets/{key}", {"value": "x"}),
    ):
        detail = expect_error(answer)
        assert key in detail
        assert "is the server's own" in detail or "decides which programs run" in detail
    body = {"values": {"KEYED_KEY": "1", key: "x"}}
    assert key in expect_error(send(server, "PUT", "/api/secrets/schema/runtime_keyed", body))


@pytest.mark.parametrize(
    "entries",
    [
        None,
        "x",
        5,
        {"A": "1"},
        [5],
        ["A=1"],
        [{}],
        [{"key": "A"}],
        [{"value": "1"}],
        [{"key": 5, "value": "1"}],
        [{"key": None, "value": "1"}],
        [{"key": "A", "value": "1"}, {"key": "A", "value": "2"}],
    ],
    ids=name,
)
def test_wrong_entries_are_refused(server: LiveServer, entries: Any) -> None:
    expect_error(send(server, "PUT", "/api/secrets/env", {"entries": entries}))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (None, "values"),
        ("x", "values"),
        ([], "values"),
        ({}, "KEYED_KEY is required"),
        ({"KEYED_KEY": None}, "KEYED_KEY is required"),
        ({"KEYED_KEY": ""}, "KEYED_KEY must not be empty"),
        ({"KEYED_KEY": "  "}, "KEYED_KEY must not be empty"),
        ({"KEYED_KEY": 5}, "KEYED_KEY"),
        ({"KEYED_KEY": "1", "UNKNOWN": "2"}, "UNKNOWN"),
    ],
    ids=name,
)
def test_a_wrong_form_is_refused(server: LiveServer, values: Any, word: str) -> None:
    path = "/api/secrets/schema/runtime_keyed"
    assert word in expect_error(send(server, "PUT", path, {"values": values}))


@pytest.mark.parametrize("plugin", ["nope", "runtime_demo", "%00", "x" * 300])
def test_a_plugin_without_a_form_is_404(server: LiveServer, plugin: str) -> None:
    expect_error(send(server, "PUT", f"/api/secrets/schema/{plugin}", {"values": {"A": "1"}}), 404)


def test_an_empty_value_is_no_value(server: LiveServer) -> None:
    expect_error(send(server, "PATCH", "/api/secrets/KEPT", {"value": ""}))


@pytest.mark.parametrize("agent_name", ["nope", "%00", "x" * 5000, "demo%0A"], ids=name)
def test_an_unknown_runtime_is_refused_on_every_route(server: LiveServer, agent_name: str) -> None:
    for method, path, body in (
        ("GET", "/api/secrets", None),
        ("GET", "/api/secrets/env", None),
        ("GET", "/api/secrets/env/keys", None),
        ("GET", "/api/secrets/KEPT/reveal", None),
        ("DELETE", "/api/secrets/KEPT", None),
        ("PUT", "/api/secrets/env", {"entries": []}),
        ("PATCH", "/api/secrets/KEPT", {"value": "2"}),
    ):
        expect_error(send(server, method, f"{path}?agent_name={agent_name}", body))


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("body", NOT_OBJECTS, ids=lambda body: repr(body[:12]))
def test_a_body_that_is_no_fitting_json_object_is_refused(
    server: LiveServer, method: str, path: str, body: bytes
) -> None:
    for kind in ("application/json", "text/plain", ""):
        headers = {"Content-Type": kind} if kind else {}
        expect_error(server.client.request(method, path, content=body, headers=headers))


def test_a_missing_key_is_404(server: LiveServer) -> None:
    expect_error(server.client.get("/api/secrets/NONE/reveal"), 404)
    expect_error(server.client.delete("/api/secrets/NONE"), 404)
