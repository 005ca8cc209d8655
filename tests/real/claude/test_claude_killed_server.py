"""A server that is killed leaves no agent behind that goes on working."""

import time
from pathlib import Path

import pytest

from tests.fakes.claude_cli.claude_prompts import environment, model_api, sleeping, tool
from tests.fakes.processes.process_watch import ProcessWatch
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

END_SECONDS = 5.0
CALL_SECONDS = 0.2


@pytest.mark.real
@pytest.mark.fault
def test_after_a_kill_of_the_server_no_model_is_called_and_no_tool_runs(
    real_claude: Path, tmp_path: Path
) -> None:
    """Each step of the turn is a model call and a command of 0.2 s."""
    log, watch = tmp_path / "requests.jsonl", ProcessWatch(tmp_path / "watch")
    with model_api(log) as port:
        values = {"XO_PLUGINS": "runtime_claude", "XO_PERMISSION_MODE": "ask"}
        values |= environment(real_claude, port, tmp_path / "claude")
        with LiveServer(environment=values) as server:
            escape = tool("Bash", command=watch.line("python3 {here}/daemon.py {watch}"))
            steps = " ".join(
                tool("Bash", command=sleeping(CALL_SECONDS + number / 1000)) for number in range(60)
            )
            turn = Chat(server, "claude_code").prompt(f"{escape} {steps} [[text never]]")
            watch.wait_for_start()
            with Chat(server, "claude_code").stream(turn.stream_id) as stream:
                for _ in range(3):
                    stream.wait_for("tool-call")
            assert server.descendants()
            server.kill()
            eventually(
                lambda: not any(process.is_alive for process in server.seen_processes),
                END_SECONDS,
                "the agent has ended",
            )
            eventually(lambda: not watch.alive(), END_SECONDS, "its detached command has ended")
            count = len(log.read_text().splitlines())
            time.sleep(5 * CALL_SECONDS)
            assert len(log.read_text().splitlines()) == count
