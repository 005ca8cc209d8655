"""Providers and their keys (contract §6)."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import expect_error, get_json
from tests.support.stored_files import read_files
from xo_cowork_core.sdk.testing import LiveServer

KEY = "planted-acme-key-0f3a9c41"
URL = "/api/config/providers/acme/key"
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
JSON = {"Content-Type": "application/json"}


def post(server: LiveServer, body: Any, url: str = URL) -> Any:
    answer = server.client.post(url, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def row(server: LiveServer, name: str = "acme") -> Any:
    return next(row for row in get_json(server, "/api/config/providers") if row["id"] == name)


@pytest.mark.parametrize("field", ["key", "api_key"])
@pytest.mark.parametrize("style", ["docs", "spa"])
def test_a_key_is_stored_for_every_runtime_that_knows_the_provider(
    server: LiveServer, keys: tuple[Path, Path], field: str, style: str
) -> None:
    keys[0].parent.mkdir(exist_ok=True)
    keys[0].write_text("# mine\nA=1 # one\nACME_KEY=old\n\nexport B='2'\n")
    answer = server.client.post(URL, json={field: KEY}, headers={"X-XO-Wire": style})
    assert answer.json() == {"ok": True, "provider": "acme", "is_set": True}
    assert keys[0].read_text() == f"# mine\nA=1 # one\nACME_KEY={KEY}\n\nexport B='2'\n"
    assert keys[1].read_text() == f"ACME_KEY={KEY}\n"
    assert [file.stat().st_mode & 0o777 for file in keys] == [0o600, 0o600]
    assert row(server) == {
        "id": "acme",
        "name": "Acme",
        "env_key": "ACME_KEY",
        "is_set": True,
        "runtimes": ["configured", "second"],
        "set_for": ["configured", "second"],
    }
    assert row(server, "other")["is_set"] is False


def test_a_key_is_deleted_from_every_file_and_nothing_else_is(
    server: LiveServer, keys: tuple[Path, Path]
) -> None:
    post(server, {"key": KEY})
    post(server, {"key": "other-key"}, "/api/config/providers/other/key")
    answer = server.client.delete(URL)
    assert answer.json() == {"ok": True, "provider": "acme", "is_set": False}
    assert {file.read_text() for file in keys} == {"OTHER_KEY=other-key\n"}
    assert row(server)["set_for"] == []
    assert server.client.delete(URL).json()["ok"] is True


def test_a_key_in_one_file_alone_is_reported_for_its_runtime(
    server: LiveServer, keys: tuple[Path, Path]
) -> None:
    keys[1].write_text(f"ACME_KEY={KEY}\n")
    found = row(server)
    assert (found["is_set"], found["set_for"]) == (True, ["second"])
    keys[1].write_text("ACME_KEY=\n")
    assert row(server)["is_set"] is False


@pytest.mark.parametrize("style", ["docs", "spa"])
def test_the_key_of_the_default_runtime_is_shown_masked(
    server: LiveServer, keys: tuple[Path, Path], style: str
) -> None:
    headers = {"X-XO-Wire": style}
    unset = server.client.get("/api/config/api-key", headers=headers).json()
    assert unset["provider"] == "acme"
    assert not any(unset[name] for name in ("key_set", "is_configured", "has_key", "masked"))
    keys[0].parent.mkdir(exist_ok=True)
    # its second provider has a key, the first one none
    keys[0].write_text(f"OTHER_KEY={KEY}\n")
    answer = server.client.get("/api/config/api-key", headers=headers)
    assert KEY not in answer.text
    assert answer.json() == {
        "provider": "other",
        "key_set": True,
        "is_configured": True,
        "has_key": True,
        "masked": "••••" + KEY[-4:],
        "masked_key": "••••" + KEY[-4:],
    }


@pytest.mark.parametrize("name", ["nope", "ACME", "%00", "a%0Ab", "acme%20", "x" * 3000])
def test_an_unknown_provider_is_refused_with_those_that_are_known(
    server: LiveServer, name: str
) -> None:
    url = f"/api/config/providers/{name}/key"
    for answer in (server.client.post(url, json={"key": KEY}), server.client.delete(url)):
        detail = expect_error(answer, 400)
        assert "acme" in detail
        assert "other" in detail
        assert KEY not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"key": ""},
        {"key": "  "},
        {"key": None},
        {"key": 5},
        {"key": True},
        {"key": ["a"]},
        {"key": {"a": 1}},
        {"api_key": 5},
        {"key": "x" * (1 << 20)},
        {"key": "a\0b"},
        {"key": "\ud800"},
        *({"key": f"a{separator}INJECTED=1"} for separator in LINE_ENDS),
        {"key": "a\r\nINJECTED=1"},
        {"key": "a\n"},
        [],
        "text",
        5,
    ],
    ids=lambda body: json.dumps(body)[:30],
)
def test_a_wrong_key_is_refused_and_nothing_is_written(
    server: LiveServer, keys: tuple[Path, Path], body: Any
) -> None:
    keys[1].write_text("ACME_KEY=before\n")
    answer = server.client.post(URL, content=json.dumps(body), headers=JSON)
    detail = expect_error(answer, 400)
    assert "INJECTED" not in detail
    assert keys[1].read_text() == "ACME_KEY=before\n"
    assert not keys[0].exists()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"key": "a"', b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(
    server: LiveServer, keys: tuple[Path, Path], body: bytes
) -> None:
    expect_error(server.client.post(URL, content=body, headers=JSON), 400)
    assert not any(file.exists() for file in keys)


def test_unknown_keys_of_the_body_pass(server: LiveServer, keys: tuple[Path, Path]) -> None:
    post(server, {"key": f" {KEY}\t", "api_key": None, "novelty": {"a": 1}})
    assert keys[0].read_text() == f"ACME_KEY={KEY}\n"


def test_changes_of_two_providers_at_once_are_all_kept(
    server: LiveServer, keys: tuple[Path, Path]
) -> None:
    def change(number: int) -> int:
        url = f"/api/config/providers/{('acme', 'other')[number % 2]}/key"
        return server.client.post(url, json={"key": f"key-{number}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(change, range(16))) == {200}
    for file in keys:
        lines = dict(line.split("=") for line in file.read_text().splitlines())
        assert lines.keys() == {"ACME_KEY", "OTHER_KEY"}


def test_a_key_is_in_no_answer_and_no_log(server: LiveServer, keys: tuple[Path, Path]) -> None:
    headers = {"Idempotency-Key": "once"}
    assert server.client.post(URL, json={"key": KEY}, headers=headers).status_code == 200
    paths = ("providers", "api-key", "agents/configured", "openai-subscription", "workspace")
    answers = [server.client.get(f"/api/config/{path}").text for path in paths]
    answers += [server.client.get(path).text for path in ("/api/plugins", "/metrics", "/health")]
    assert not [text for text in (*answers, server.log) if KEY in text]
    others = [(file, text) for file, text in read_files(server.home) if file not in keys]
    assert others
    assert not [file for file, text in others if KEY.encode() in text]
    audit = (server.state / "audit" / "secrets.jsonl").read_text().splitlines()
    assert json.loads(audit[-1])["keys"] == ["ACME_KEY"]


def test_a_subscription_is_reported_by_the_runtime_that_has_it(
    server: LiveServer, configure: Callable[..., None]
) -> None:
    url = "/api/config/openai-subscription"
    assert get_json(server, url) == {"has_subscription": False, "is_connected": False}
    configure(account={"provider_id": "openai", "kind": "api_key"})
    assert get_json(server, url)["has_subscription"] is False
    configure(account={"provider_id": "acme", "kind": "subscription"})
    assert get_json(server, url)["has_subscription"] is False
    configure(account={"provider_id": "openai", "kind": "subscription", "plan": "plus"})
    answer = get_json(server, url)
    assert answer == {"has_subscription": True, "is_connected": True, "plan": "plus"}


def test_no_account_of_an_earlier_product_is_linked(server: LiveServer) -> None:
    answer = get_json(server, "/api/config/openyak-account")
    assert answer == {"connected": False, "linked": False}


def test_without_providers_lists_are_empty() -> None:
    with LiveServer(environment={"XO_PLUGINS": "runtime_demo"}) as bare:
        assert get_json(bare, "/api/config/providers") == []
        answer = get_json(bare, "/api/config/api-key")
        assert (answer["provider"], answer["key_set"], answer["masked"]) == (None, False, "")
        assert "none" in expect_error(bare.client.post(URL, json={"key": "a"}), 400)


def test_deleting_a_key_that_is_nowhere_makes_no_file(
    server: LiveServer, keys: tuple[Path, Path]
) -> None:
    answer = server.client.delete(URL)
    assert answer.json() == {"ok": True, "provider": "acme", "is_set": False}
    assert not any(file.exists() for file in keys)


def test_a_provider_whose_key_is_not_declared_is_left_out_and_recorded(server: LiveServer) -> None:
    ids = [row["id"] for row in get_json(server, "/api/config/providers")]
    assert ids == ["acme", "other"]
    expect_error(server.client.post("/api/config/providers/ghost/key", json={"key": KEY}), 400)
    rows = {row["name"]: row for row in get_json(server, "/api/plugins")["plugins"]}
    assert "GHOST_KEY" in " ".join(rows["runtime_configured"]["faults"])
