"""Secrets that are planted by every route are found in the env files and nowhere else."""

import resource
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.planted_words import KEY, encode_variants
from tests.support.stored_files import read_files
from xo_cowork_core.sdk.testing import Chat, LiveServer, install_plugin

PLUGINS = Path(__file__).parents[2] / "support" / "plugins"
# read into the server's memory as they are, and with what readers of env files escape
VALUES = {
    "KEYED_KEY": f"{KEY}-declared",
    "PLANTED_FREE": f"{KEY}-of-nobody",
    "PLANTED_HARD": f'it\'s $"{KEY}"\\',
    "PLANTED_PATCHED": f"  {KEY} # patched  ",
}
PATHS = (
    "/",
    "/health",
    "/metrics",
    "/openapi.json",
    "/debug/ai-auth",
    "/api/agents",
    "/api/chat/active",
    "/api/config/providers",
    "/api/config/agents/keyed",
    "/api/models",
    "/api/plugins",
    "/api/sessions",
    "/api/usage",
    "/api/secrets",
    "/api/secrets/env/keys",
    "/api/secrets/schema",
    "/api/secrets/NONE/reveal",
)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with the secrets set by each route, and two runtimes: one that declares a key."""
    folder = tmp_path_factory.mktemp("plugins")
    for name in ("keyed", "neighbour"):
        install_plugin(folder, f"runtime_{name}", (PLUGINS / f"{name}.py").read_text())
    environment = {
        "XO_PLUGINS": "runtime_keyed,runtime_neighbour,runtime_demo",
        "AGENT_NAME": "demo",
    }
    _, hard = limit = resource.getrlimit(resource.RLIMIT_CORE)
    # the server inherits it
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        with LiveServer(environment=environment, python_path=[folder], fresh=True) as server:
            plant(server)
            yield server
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, limit)


def plant(server: LiveServer) -> None:
    entries = [{"key": key, "value": value} for key, value in VALUES.items()]
    requests = [
        ("PUT", "/api/secrets/env", {"entries": entries[:3]}),
        ("PATCH", "/api/secrets/PLANTED_PATCHED", {"value": VALUES["PLANTED_PATCHED"]}),
        (
            "PUT",
            "/api/secrets/schema/runtime_keyed",
            {"values": {"KEYED_KEY": VALUES["KEYED_KEY"]}},
        ),
    ]
    for number, (method, path, body) in enumerate(requests):
        headers = {"Idempotency-Key": f"planted-{number}"}
        for _ in range(2):
            answer = server.client.request(method, path, json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            assert not traces_in(answer.content)
    revealed = server.client.get("/api/secrets/env").json()["entries"]
    assert {entry["key"]: entry["value"] for entry in revealed} == VALUES


def traces_in(content: bytes) -> list[str]:
    return [shape for shape, form in encode_variants(KEY).items() if form in content]


def refused(server: LiveServer) -> Iterator[httpx.Response]:
    """Send requests that are wrong around a planted value."""
    for value in (f"{KEY}\n", f"{KEY}\u2028", [KEY], {KEY: KEY}, KEY * 10_000):
        entries = [{"key": "A", "value": value}]
        yield server.client.put("/api/secrets/env", json={"entries": entries})
        yield server.client.patch("/api/secrets/A", json={"value": value})
        path = "/api/secrets/schema/runtime_keyed"
        yield server.client.put(path, json={"values": {"KEYED_KEY": value}})
    broken = f'{{"value": "{KEY}'.encode()
    yield server.client.patch("/api/secrets/A", content=broken)
    yield server.client.patch("/api/secrets/PATH", json={"value": KEY})
    yield server.client.get("/api/secrets/env", headers={"Origin": "http://evil.example"})


def test_no_answer_but_env_and_reveal_has_a_value(planted: LiveServer) -> None:
    for path in PATHS:
        assert traces_in(planted.client.get(path).content) == [], path
    for answer in refused(planted):
        assert answer.status_code in {400, 403, 413}
        assert traces_in(answer.content) == [], answer.request.url


def test_no_other_plugins_agent_gets_a_key_and_no_command_line_shows_one(
    planted: LiveServer,
) -> None:
    keyed = Chat(planted, "keyed").run_turn("which keys?")
    assert "KEYED_KEY" in keyed.text
    assert "PLANTED_" not in keyed.text
    chat = Chat(planted, "neighbour")
    assert "PATH" in chat.run_turn("and you?").text
    turn = chat.prompt("wait")
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("text-delta")
        processes = [planted.pid, *(process.pid for process in planted.descendants())]
        assert len(processes) > 1
        for pid in (pid for pid in processes if Path(f"/proc/{pid}").exists()):
            assert traces_in(Path(f"/proc/{pid}/cmdline").read_bytes()) == []
            assert traces_in(Path(f"/proc/{pid}/environ").read_bytes()) == []
            # memory with keys never lands in a project as a core file
            assert resource.prlimit(pid, resource.RLIMIT_CORE)[0] == 0
        chat.abort(turn.stream_id)
    events = [
        str(frame.data) for recording in (keyed, chat.read(turn)) for frame in recording.frames
    ]
    assert traces_in("".join(events).encode()) == []
    for session in planted.client.get("/api/sessions").json()["sessions"]:
        messages = planted.client.get(f"/api/messages/{session['id']}")
        assert traces_in(messages.content) == []


def test_no_file_but_the_env_file_and_no_log_line_has_a_value(planted: LiveServer) -> None:
    list(refused(planted))
    env_file = planted.state / "env"
    assert traces_in(env_file.read_bytes())
    found: dict[str, list[str]] = {}
    for path, content in read_files(planted.root):
        if path != env_file and (traces := traces_in(content)):
            found[str(path.relative_to(planted.root))] = traces
    assert found == {}
    assert traces_in(planted.log.encode()) == []
