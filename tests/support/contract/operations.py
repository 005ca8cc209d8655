"""The contract's operations: those of connectors, and those that are not called here."""

import re
from pathlib import Path

OPERATIONS = (
    (Path(__file__).parents[2] / "wire" / "contract_operations.txt").read_text().splitlines()
)
# what belongs to connectors; `test_bad_fields` leaves them to the tests of their plugins
CONNECTORS = frozenset(
    operation
    for operation in OPERATIONS
    if re.search(
        r"/api/connectors/(gdrive|onedrive|github|vercel|manus)/| /callback$| /\.well-known/",
        operation,
    )
)
# they restart or update the server, or start an agent's own program: these tests call them
ELSEWHERE = {
    "POST /app/restart": "tests/wire/server/test_restart.py",
    "POST /app/update": "tests/wire/server/test_update.py",
    "POST /claude/setup-token": "tests/real/claude/test_claude_sign_in.py",
    "POST /connect/claude-code": "plugins/runtime_claude/tests/test_sign_in.py",
    "POST /codex/setup": "tests/real/codex/test_codex_sign_in.py",
    "POST /connect/codex": "plugins/runtime_codex/tests/test_sign_in.py",
}
CALLED = [operation for operation in OPERATIONS if operation not in ELSEWHERE]
CORE_CALLED = [operation for operation in CALLED if operation not in CONNECTORS]
