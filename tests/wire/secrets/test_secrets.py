"""Keys in env files by HTTP (contract §5)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.answers import expect_error, get_json
from xo_cowork_core.sdk.testing import LiveServer

LONG = "a-key-of-24-characters-x"
PARALLEL = 100
MAX_SECONDS = 2.0


@pytest.fixture(params=["docs", "spa"])
def style(request: pytest.FixtureRequest, server: LiveServer) -> Iterator[str]:
    """Each style of the wire, as the header of every request."""
    server.client.headers["X-XO-Wire"] = request.param
    yield request.param
    del server.client.headers["X-XO-Wire"]


def put(server: LiveServer, *entries: tuple[str, str], **query: str):
    body = {"entries": [{"key": key, "value": value} for key, value in entries]}
    return server.client.put("/api/secrets/env", json=body, params=query)


def patch(server: LiveServer, key: str, value: str, **query: str):
    return server.client.patch(f"/api/secrets/{key}", json={"value": value}, params=query)


@pytest.mark.usefixtures("style")
def test_keys_are_set_listed_revealed_and_deleted(server: LiveServer, env_file: Path) -> None:
    assert get_json(server, "/api/secrets") == {"items": [], "total": 0}
    assert put(server, ("A_KEY", LONG), ("EMPTY", ""), ("", "skipped")).json() == {"ok": True}
    assert get_json(server, "/api/secrets/env") == {
        "entries": [{"key": "A_KEY", "value": LONG}, {"key": "EMPTY", "value": ""}]
    }
    assert get_json(server, "/api/secrets/env/keys") == {"keys": ["A_KEY"]}
    changed = patch(server, "NEW_KEY", "short").json()
    assert changed == {"ok": True, "key": "NEW_KEY", "is_set": True, "preview": "••••"}
    assert get_json(server, "/api/secrets") == {
        "items": [
            {"key": "A_KEY", "is_set": True, "preview": "••••rs-x"},
            {"key": "EMPTY", "is_set": False, "preview": ""},
            {"key": "NEW_KEY", "is_set": True, "preview": "••••"},
        ],
        "total": 3,
    }
    revealed = get_json(server, "/api/secrets/NEW_KEY/reveal")
    assert revealed == {"key": "NEW_KEY", "value": "short"}
    assert server.client.delete("/api/secrets/A_KEY").json() == {"ok": True}
    assert get_json(server, "/api/secrets/env/keys") == {"keys": ["NEW_KEY"]}
    assert env_file.stat().st_mode & 0o777 == 0o600
    assert env_file.parent.stat().st_mode & 0o777 == 0o700


def test_a_full_replacement_keeps_comments_order_and_unchanged_lines(
    server: LiveServer, env_file: Path
) -> None:
    env_file.write_bytes(b"# top\nexport A='1' # one\nB=2\r\n\nC = 3\nnot an entry\n")
    put(server, ("NEW", "  pad  "), ("C", "3"), ("A", "one"), ("B", "2"))
    wanted = b"# top\nexport A=one # one\nB=2\r\n\nC = 3\nnot an entry\nNEW='  pad  '\n"
    assert env_file.read_bytes() == wanted
    put(server, ("B", "2"))
    assert env_file.read_bytes() == b"# top\nB=2\r\n\nnot an entry\n"
    put(server)
    assert env_file.read_bytes() == b"# top\n\nnot an entry\n"


def test_what_was_read_can_be_written_back_whatever_wrote_it(
    server: LiveServer, env_file: Path
) -> None:
    text = 'PATH=/opt\na.b=dotted\nLINES="1\n2"\nA=1\nA=2\n'
    env_file.write_text(text)
    entries = get_json(server, "/api/secrets/env")["entries"]
    assert [entry["key"] for entry in entries] == ["PATH", "a.b", "LINES", "A"]
    assert put(server, *((entry["key"], entry["value"]) for entry in entries)).status_code == 200
    assert env_file.read_text() == text
    expect_error(put(server, ("PATH", "/changed")))
    assert env_file.read_text() == text


def test_another_runtimes_file_is_named_by_the_runtime(server: LiveServer, env_file: Path) -> None:
    assert patch(server, "CLAW_KEY", "1", agent_name="openclaw").status_code == 200
    own = server.home / ".openclaw" / ".env"
    assert own.read_text().splitlines()[-1] == "CLAW_KEY=1"
    assert own.stat().st_mode & 0o777 == 0o600
    assert not env_file.exists()
    items = get_json(server, "/api/secrets", agent_name="openclaw")["items"]
    assert "CLAW_KEY" in [item["key"] for item in items]
    assert get_json(server, "/api/secrets/CLAW_KEY/reveal", agent_name="openclaw")["value"] == "1"
    expect_error(server.client.get("/api/secrets/CLAW_KEY/reveal"), 404)
    assert server.client.delete(
        "/api/secrets/CLAW_KEY", params={"agent_name": "openclaw"}
    ).json() == {"ok": True}
    expect_error(server.client.get("/api/secrets", params={"agent_name": "nope"}))


def test_a_hundred_parallel_changes_are_all_kept(server: LiveServer, env_file: Path) -> None:
    def change(number: int) -> int:
        return patch(server, f"KEY_{number}", f"value {number}").status_code

    started = time.monotonic()
    with ThreadPoolExecutor(PARALLEL) as pool:
        assert set(pool.map(change, range(PARALLEL))) == {200}
    elapsed = time.monotonic() - started
    entries = get_json(server, "/api/secrets/env")["entries"]
    wanted = {f"KEY_{number}": f"value {number}" for number in range(PARALLEL)}
    assert {entry["key"]: entry["value"] for entry in entries} == wanted
    assert elapsed <= MAX_SECONDS * 10, "2 s are the aim, on a machine that does nothing else"
    assert env_file.stat().st_mode & 0o777 == 0o600


def test_one_of_many_parallel_changes_that_fails_costs_no_other(
    server: LiveServer, env_file: Path
) -> None:
    env_file.write_text("OLD=1\nB='open\n")

    def change(number: int) -> int:
        # a new entry goes behind the open quote, where one with a quote is lost
        return patch(server, "OLD" if number % 2 else f"NEW_{number}", f"it's {number}").status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(change, range(16)))
    assert statuses[1::2] == [200] * 8
    assert set(statuses[::2]) == {409}


def test_a_linked_file_stays_a_link(server: LiveServer, env_file: Path) -> None:
    target = server.home / "keys" / "env"
    target.parent.mkdir(exist_ok=True)
    env_file.symlink_to(target)
    assert patch(server, "A", "1").status_code == 200
    assert env_file.is_symlink()
    assert target.read_text() == "A=1\n"


def test_a_file_that_cannot_be_read_is_an_error_and_stays(
    server: LiveServer, env_file: Path
) -> None:
    env_file.mkdir()
    try:
        requests = [
            server.client.get("/api/secrets"),
            server.client.get("/api/secrets/env"),
            server.client.get("/api/secrets/env/keys"),
            server.client.get("/api/secrets/A/reveal"),
            server.client.delete("/api/secrets/A"),
            put(server, ("A", "1")),
            patch(server, "A", "1"),
        ]
        for answer in requests:
            assert str(server.home) not in expect_error(answer, 503)
        assert env_file.is_dir()
    finally:
        env_file.rmdir()


def test_a_value_that_is_not_text_can_be_replaced_or_deleted(
    server: LiveServer, env_file: Path
) -> None:
    env_file.write_bytes(b"# caf\xe9\nGOOD=1\nBAD=caf\xe9\n")
    assert "BAD" in expect_error(server.client.get("/api/secrets/env"), 409)
    assert "BAD" in expect_error(server.client.get("/api/secrets/BAD/reveal"), 409)
    assert get_json(server, "/api/secrets")["items"] == [
        {"key": "GOOD", "is_set": True, "preview": "••••"},
        {"key": "BAD", "is_set": False, "preview": ""},
    ]
    assert patch(server, "GOOD", "2").status_code == 200
    assert env_file.read_bytes() == b"# caf\xe9\nGOOD=2\nBAD=caf\xe9\n"
    assert patch(server, "BAD", "café").status_code == 200
    assert get_json(server, "/api/secrets/BAD/reveal")["value"] == "café"


def test_a_key_may_have_the_name_of_a_route(server: LiveServer, env_file: Path) -> None:
    for key in ("env", "schema"):
        assert patch(server, key, "1").status_code == 200
        assert get_json(server, f"/api/secrets/{key}/reveal")["value"] == "1"
        assert server.client.delete(f"/api/secrets/{key}").status_code == 200
    assert env_file.read_text() == ""
