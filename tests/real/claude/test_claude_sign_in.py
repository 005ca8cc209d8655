"""The real Claude Code: its sign-in page, and a turn with the token of a sign-in.

No sign-in reaches its end here: the program takes no other issuer. So the page and a code that
can't be checked are the real program's, the token is the fake's, and the turn is real again.
"""

import json
import re
import socket
from pathlib import Path

import pytest

from tests.fakes.claude_cli.claude_prompts import FAKE_CLI, environment, model_api, text
from tests.fakes.claude_cli.setup_token import TOKEN
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

pytestmark = pytest.mark.real
START = "/claude/setup-token"
CODE = "planted-code/+=%2F0123456789#planted-state"
SPLIT = """\
#!/bin/sh
if [ "$1" = setup-token ]; then exec {fake} "$@"; fi
exec {real} "$@"
"""


@pytest.fixture
def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_its_page_is_read_and_a_code_that_it_cannot_check_is_refused(
    real_claude: Path, closed_port: int
) -> None:
    values = {
        "XO_PLUGINS": "runtime_claude",
        "CLAUDE_CLI_PATH": str(real_claude),
        # its requests end on this machine
        "HTTPS_PROXY": f"http://127.0.0.1:{closed_port}",
        "HTTP_PROXY": f"http://127.0.0.1:{closed_port}",
    }
    with LiveServer(environment=values) as server:
        answer = server.client.post(START, timeout=60)
        assert answer.status_code == 200, answer.text + server.log
        started = answer.json()
        url = started["authorize_url"]
        assert re.fullmatch(r"https://[a-z.]+/oauth/authorize\?[\x21-\x7e]{20,}", url)
        body = {"session_id": started["session_id"], "code": CODE}
        answer = server.client.post(f"{START}/callback", json=body, timeout=60)
        assert answer.status_code == 400, answer.text
        assert answer.json()["detail"]["error"].startswith("OAuth error")
        eventually(lambda: not server.descendants(), 15, "no process is left")
        assert "planted" not in server.log + answer.text


def test_a_turn_uses_the_token_of_the_sign_in(real_claude: Path, tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text(SPLIT.format(fake=FAKE_CLI, real=real_claude))
    program.chmod(0o755)
    log = tmp_path / "requests.jsonl"
    with model_api(log) as port:
        values = environment(program, port, tmp_path / "config") | {"XO_PLUGINS": "runtime_claude"}
        del values["ANTHROPIC_API_KEY"]
        with LiveServer(environment=values) as server:
            started = server.client.post(START, timeout=60).json()
            body = {"session_id": started["session_id"], "code": "good#state"}
            answer = server.client.post(f"{START}/callback", json=body, timeout=60)
            assert answer.json()["ok"] is True, answer.text
            turn = Chat(server, "claude_code").run_turn(text("signed in"))
            assert turn.text == "signed in"
    requests = [json.loads(line) for line in log.read_text().splitlines()]
    assert {request["bearer"] for request in requests} == {f"Bearer {TOKEN}"}
