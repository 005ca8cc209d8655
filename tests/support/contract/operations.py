"""The contract's operations, and those that are not served yet or not called with the others."""

import re
from pathlib import Path

OPERATIONS = (
    (Path(__file__).parents[2] / "wire" / "contract_operations.txt").read_text().splitlines()
)
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
