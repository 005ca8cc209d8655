"""A newcomer's path over HTTP alone: from an empty home to the first answer of the agent."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fakes.claude_cli.claude_prompts import text
from tests.support.answers import expect_error, get_json
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

KEY = "sk-ant-planted-newcomer-5c1d"
PLUGIN = "runtime_claude"
DOCTOR_SECONDS = 60
LIST_SECONDS = 15.0


def doctor(server: LiveServer) -> tuple[int, list[dict[str, Any]]]:
    """Run `xo-cowork doctor` beside the server; return its exit code and its findings."""
    command = [sys.executable, "-m", "xo_cowork_core", "doctor", "--json"]
    result = subprocess.run(
        command,
        env=server.variables(),
        cwd=server.home,
        capture_output=True,
        text=True,
        timeout=DOCTOR_SECONDS,
        check=False,
    )
    assert KEY not in result.stdout + result.stderr
    return result.returncode, json.loads(result.stdout)


def test_from_an_empty_home_to_the_first_answer(claude: Path, model_port: int) -> None:
    environment = {"XO_PLUGINS": PLUGIN, "CLAUDE_CLI_PATH": str(claude)}
    with LiveServer(environment=environment) as server:
        http = server.client
        welcome = get_json(server, "/api/onboarding")
        assert (welcome["completed"], welcome["completed_at"]) == (False, None)
        (provider,) = get_json(server, "/api/config/providers")
        assert (provider["id"], provider["is_set"]) == ("anthropic", False)
        assert get_json(server, "/api/config/api-key")["has_key"] is False
        code, findings = doctor(server)
        assert (code, findings[0]["signed_in"]) == (1, False)
        refused = http.post("/api/chat/prompt", json={"text": "hello"})
        assert "doctor" in expect_error(refused, 503)

        forms = {
            form["plugin"]: form for form in get_json(server, "/api/secrets/schema")["plugins"]
        }
        assert provider["env_key"] in forms[PLUGIN]["schema"]["properties"]
        url = f"http://127.0.0.1:{model_port}"
        values = {provider["env_key"]: KEY, "ANTHROPIC_BASE_URL": url}
        stored = http.put(f"/api/secrets/schema/{PLUGIN}", json={"values": values})
        assert stored.status_code == 200, stored.text
        shown = get_json(server, "/api/config/api-key")
        assert (shown["provider"], shown["has_key"]) == ("anthropic", True)
        assert shown["masked"].endswith(KEY[-4:])

        code, findings = doctor(server)
        assert (code, [finding["ok"] for finding in findings]) == (0, [True])
        turn = Chat(server, "").run_turn(text("Welcome, newcomer"))
        assert turn.text == "Welcome, newcomer"
        assert http.post("/api/onboarding/complete").json() == {"ok": True}
        assert get_json(server, "/api/onboarding")["completed"] is True
        eventually(
            lambda: get_json(server, "/api/sessions")["total"] > 0, LIST_SECONDS, "it is listed"
        )
        (session,) = get_json(server, "/api/sessions")["sessions"]
        assert session["agent_name"] == "claude_code"
        answers = [http.get(path).text for path in ("/health", "/api/plugins", "/metrics")]
        answers.append(http.get("/api/config/agents/claude_code").text)
        assert not [text for text in (*answers, server.log) if KEY in text]
