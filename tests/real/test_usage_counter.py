"""Usage beside an independent counter: `ccusage` reads the same files of Claude Code."""

import json
import subprocess
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench import corpus
from xo_cowork_core.sdk.testing import LiveServer, eventually

ROOT = Path(__file__).resolve().parents[2]
COUNTER = ROOT / ".toolchain" / "bin" / "ccusage"
DAYS = 70
KINDS = {
    "input": "inputTokens",
    "output": "outputTokens",
    "cache_read": "cacheReadTokens",
    "cache_write": "cacheCreationTokens",
}
pytestmark = pytest.mark.real


def test_usage_agrees_with_ccusage_within_one_percent() -> None:
    if not COUNTER.exists():
        pytest.skip("ccusage is not here: run `make toolchain`")
    server = LiveServer()
    try:
        made = corpus.build_corpus(
            server.home, sessions=40, megabytes=6, projects=5, mix={corpus.CLAUDE: 1}
        )
        server.start()
        eventually(lambda: usage(server)["total_sessions"] == len(made.files), 20, "all counted")
        ours, theirs = usage(server), counted(server.home)
        assert theirs["inputTokens"] > 10_000
        for kind, name in KINDS.items():
            assert ours["total_tokens"][kind] == pytest.approx(theirs[name], rel=0.01), kind
        assert ours["total_cost_usd"] == pytest.approx(theirs["totalCost"], rel=0.01)
    finally:
        server.close()


def usage(server: LiveServer) -> dict[str, Any]:
    answer = server.client.get(f"/api/usage?days={DAYS}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def counted(home: Path) -> dict[str, Any]:
    """Let the counter read the home, with the prices that it ships."""
    since = (date.today() - timedelta(days=DAYS)).strftime("%Y%m%d")
    command = [COUNTER, "daily", "--json", "--offline", "--since", since, "--timezone", "UTC"]
    environment = {"HOME": str(home), "PATH": f"{COUNTER.parent}:/usr/bin:/bin"}
    run = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(run.stdout)["totals"]
