"""Claude Code as a subject of the runtime contract: the real one and the fake."""

import json
from contextlib import AbstractContextManager
from pathlib import Path

from tests.fakes.models import fake_model_api, working
from xo_cowork_core.sdk.testing import RuntimeSubject

FAKES = Path(__file__).resolve().parent.parent
FAKE_CLI = FAKES / "claude_cli" / "claude"
ALLOWED = {"permissions": {"allow": ["Bash(python3:*)"]}}
STATUS = {"auth": 401, "rate_limit": 429, "upstream": 500, "overloaded": 529, "bad_request": 400}


def text(words: str) -> str:
    """Ask for exactly these words."""
    return f"[[exact {json.dumps(words).replace(']', chr(92) + 'u005d')}]]"


def tool(name: str, **arguments: object) -> str:
    """Ask for a tool call."""
    return f"[[tool {name} {json.dumps(arguments)}]]"


def sleeping(seconds: float) -> str:
    """Return a shell command that waits; the real agent refuses a bare `sleep`."""
    return f"python3 -c 'import time; time.sleep({seconds})'"


def question() -> str:
    """Ask for a question with two options."""
    options = [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cold"}]
    form = {
        "question": "Which colour?",
        "header": "Colour",
        "multiSelect": False,
        "options": options,
    }
    return f"{tool('AskUserQuestion', questions=[form])} [[result]]"


def model_api(log: Path | None = None) -> AbstractContextManager[int]:
    """Run the fake model API and give its port."""
    return fake_model_api("model_api", log)


def environment(binary: Path, port: int, config: Path) -> dict[str, str]:
    """What a server needs to run this binary against this model, and nothing real."""
    config.mkdir(parents=True, exist_ok=True)
    (config / "settings.json").write_text(json.dumps(ALLOWED))
    return {
        "CLAUDE_CLI_PATH": str(binary),
        "CLAUDE_CONFIG_DIR": str(config),
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}",
        "ANTHROPIC_API_KEY": "sk-ant-fake-good",
        "CLAUDE_CODE_MAX_RETRIES": "1",
    }


def claude_subject(binary: Path, port: int, config: Path) -> RuntimeSubject:
    """Describe what a prompt can make Claude Code do."""
    is_fake = binary == FAKE_CLI
    return RuntimeSubject(
        agent_name="claude_code",
        plugins="runtime_claude",
        environment=environment(binary, port, config),
        lasting_processes=(str(binary),),
        abilities=frozenset({"interrupts", "answers", "keeps_history", "edits_history"}),
        counts_tokens=True,
        say=text,
        slow_text=lambda seconds: f"[[text n={int(seconds * 10)} delay=0.1 slow]]",
        slow_tool=lambda seconds: f"{tool('Bash', command=sleeping(seconds))} [[text slept]]",
        tool=lambda name, content: f"{tool('Write', file_path=name, content=content)} [[text ok]]",
        work=lambda name, seconds: f"{tool('Bash', command=working(name, seconds))} [[text ok]]",
        reasoning=lambda: "[[think hm so && text therefore]]",
        permission=lambda name: f"{tool('Write', file_path=name, content='x')} [[text well]]",
        question=question,
        plan=lambda: f"{tool('ExitPlanMode', plan='# The plan')} [[text planned]]",
        fail=lambda code: f"[[error {STATUS[code]}]]",
        failures={code: str(status) for code, status in STATUS.items() if code != "auth"},
        die=_die if is_fake else _kill_agent,
        long_line=lambda characters: f"[[big {characters}]]",
        invalid_records=_garbage if is_fake else None,
    )


def _die() -> str:
    return "[[text so far && die]]"


def _kill_agent() -> str:
    """Let a tool kill the process named `claude` above it."""
    script = (
        "import os\npid = os.getpid()\n"
        "while open(f'/proc/{pid}/comm').read().strip() != 'claude':\n"
        "    pid = int(open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[1])\n"
        "os.kill(pid, 9)"
    )
    call = json.dumps({"command": f'python3 -c "{script}"'})
    return f"[[text so far && tool Bash {call}]] [[text no]]"


def _garbage() -> str:
    return f"{text('Before. ')[:-2]} && garbage && {text('After.')[2:]}"
