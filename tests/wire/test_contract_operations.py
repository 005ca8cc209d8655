"""The contract's every operation is served, documented, and answers in both wire styles."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.contract_requests import ContractRequests, expected_status
from xo_cowork_core.sdk.testing import LiveServer, install_plugin

OPERATIONS = (Path(__file__).parent / "contract_operations.txt").read_text().splitlines()
# the routes that belong to connectors are not there yet
NOT_YET = frozenset(
    operation
    for operation in OPERATIONS
    if re.search(
        r"/api/connectors/(gdrive|onedrive|github|vercel|manus)/| /callback$| /\.well-known/",
        operation,
    )
)
# being built: an entry goes when its operation comes
PENDING = frozenset(
    line.strip()
    for line in """
    GET /codex/setup/{}
    GET /debug/ai-auth
    POST /app/restart
    POST /app/update
    POST /claude/setup-token
    POST /claude/setup-token/callback
    POST /codex/setup
    POST /connect/claude-code
    POST /connect/claude-code/callback
    POST /connect/codex
    """.strip().splitlines()
)
# they restart or update the server, or start an agent's own program: tests of their own call them
ELSEWHERE = frozenset(
    {
        "POST /app/restart",
        "POST /app/update",
        "POST /claude/setup-token",
        "POST /connect/claude-code",
        "POST /codex/setup",
        "POST /connect/codex",
    }
)
CALLED = [operation for operation in OPERATIONS if operation not in NOT_YET | ELSEWHERE]


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContractRequests]:
    source = (Path(__file__).parents[1] / "support" / "plugins" / "gateway.py").read_text()
    place = install_plugin(tmp_path_factory.mktemp("plugins"), "runtime_gatewayed", source)
    plugins = ("claude", "codex", "demo", "gatewayed", "openclaw")
    variables = {
        "XO_PLUGINS": ",".join(f"runtime_{name}" for name in plugins),
        "AGENT_NAME": "gatewayed",
        "CHAT_API_BASE_URL": "http://127.0.0.1:9",
        "OPENCLAW_GATEWAY_URL": "ws://127.0.0.1:9",
    }
    with LiveServer(environment=variables, python_path=[place]) as server:
        yield ContractRequests(server)


@pytest.fixture(scope="module")
def served(requests: ContractRequests) -> set[str]:
    """The operations that the server documents."""
    paths = requests.http.get("/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {re.sub('{[^}]*}', '{}', path)}"
        for path, methods in paths.items()
        for method in methods
    }


def test_the_contract_has_157_operations() -> None:
    assert len(OPERATIONS) == len(set(OPERATIONS)) == 157


def test_every_operation_is_documented(served: set[str]) -> None:
    assert set(OPERATIONS) - served - PENDING == NOT_YET


@pytest.mark.parametrize("style", ["docs", "spa"])
@pytest.mark.parametrize("operation", CALLED)
def test_an_operation_answers_in_both_styles(
    requests: ContractRequests, served: set[str], operation: str, style: str
) -> None:
    if operation in PENDING - served:
        pytest.skip("it is being built")
    answer = requests.request(operation, style)
    assert answer.status_code in expected_status(operation), answer.text
