"""Codex as a subject of the runtime contract: the real one and the fake."""

import json
from contextlib import AbstractContextManager
from pathlib import Path

from tests.fakes.models import fake_model_api, working
from xo_cowork_core.sdk.testing import RuntimeSubject

FAKES = Path(__file__).resolve().parent.parent
FAKE_CLI = FAKES / "codex_cli" / "codex"
REAL = FAKES.parents[1] / ".toolchain" / "bin" / "codex"
ABSENT = "the real CLIs are not here: run `make toolchain`"
STATUS = {"auth": 401, "rate_limit": 429, "upstream": 500, "overloaded": 503, "bad_request": 400}
WORDS = {"auth": "401", "rate_limit": "429", "upstream": "demand", "overloaded": "capacity"}
CONFIG = """\
model = "fake-model"
model_provider = "fake"
check_for_update_on_startup = false
[features]
# else each start fetches a list of plugins from the network
plugins = false
[analytics]
enabled = false
[model_providers.fake]
name = "fake"
base_url = "http://127.0.0.1:{port}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
"""
# kills the process named `codex` above it
KILLER = """\
import os
pid = os.getpid()
while open(f"/proc/{pid}/comm").read().strip() != "codex":
    pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
os.kill(pid, 9)
"""
RULES = 'prefix_rule(pattern=["python3"], decision="allow")\n'


def text(words: str) -> str:
    """Ask for exactly these words."""
    return f"[[exact {quoted(words)}]]"


def quoted(words: str) -> str:
    """Write a JSON string that holds no bracket of the directives."""
    return json.dumps(words).replace("]", "\\u005d")


def command(line: str) -> str:
    """Ask for a shell command."""
    return f"[[tool exec_command {json.dumps({'cmd': line})}]]".replace("]]]", "]\\u005d]]")


def sleeping(seconds: float) -> str:
    """Return a shell command that waits; the rules let it run unasked."""
    return f'python3 -c "import time; time.sleep({seconds})"'


def subagent(script: str) -> str:
    """Ask for a subagent that plays a script of its own."""
    call = json.dumps({"message": script, "task_name": "part"})
    hidden = call.replace("[", "\\u005b").replace("]", "\\u005d")
    return f"[[tool multi_agent_v1.spawn_agent {hidden}]]"


def patch(name: str, content: str) -> str:
    """Ask for a new file by a patch, as the model writes files."""
    added = "".join(f"+{line}\n" for line in content.splitlines())
    body = f"*** Begin Patch\n*** Add File: {name}\n{added}*** End Patch\n"
    return command(f"apply_patch <<'EOF'\n{body}EOF\n")


def question() -> str:
    """Ask for a question with two options."""
    options = [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cold"}]
    form = {"id": "colour", "question": "Which colour?", "header": "Colour", "options": options}
    call = json.dumps({"questions": [form]}).replace("]", " ]")
    return f"[[tool request_user_input {call}]] [[result]]"


def real_codex() -> Path | None:
    """The pinned Codex."""
    return REAL.resolve() if REAL.exists() else None


def responses_api(log: Path | None = None, port: int = 0) -> AbstractContextManager[int]:
    """Run the fake model API and give its port."""
    return fake_model_api("responses_api", log, port)


def environment(binary: Path, port: int, home: Path) -> dict[str, str]:
    """What a server needs to run this binary against this model, and nothing real."""
    (home / "rules").mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(CONFIG.format(port=port))
    (home / "rules" / "tests.rules").write_text(RULES)
    (home / "kill_codex.py").write_text(KILLER)
    return {
        "CODEX_CLI_PATH": str(binary),
        "CODEX_HOME": str(home),
        "OPENAI_API_KEY": "sk-fake-good",
    }


def codex_subject(binary: Path, port: int, home: Path) -> RuntimeSubject:
    """Describe what a prompt can make Codex do."""
    is_fake = binary == FAKE_CLI
    plan = "<proposed_plan>\n# The plan\n- do it\n</proposed_plan>\n"
    abilities = {"interrupts", "answers", "keeps_history", "edits_history"}
    return RuntimeSubject(
        agent_name="codex",
        plugins="runtime_codex",
        environment=environment(binary, port, home),
        lasting_processes=(str(binary), "codex-code-mode"),
        abilities=frozenset(abilities),  # type: ignore[arg-type]
        counts_tokens=True,
        say=text,
        slow_text=lambda seconds: f"[[text n={int(seconds * 10)} delay=0.1 slow]]",
        slow_tool=lambda seconds: f"{command(sleeping(seconds))} [[text slept]]",
        tool=lambda name, content: f"{patch(name, content)} [[text ok]]",
        work=lambda name, seconds: f"{command(working(name, seconds))} [[text ok]]",
        reasoning=lambda: "[[think hm so && text therefore]]",
        permission=lambda name: f"{patch(name, 'x')} [[text well]]",
        question=question,
        plan=lambda: text(plan),
        fail=lambda code: f"[[error {STATUS[code]}]]",
        failures={code: WORDS.get(code, str(status)) for code, status in STATUS.items()},
        die=lambda: "[[text so far && die]]" if is_fake else kill_agent(home),
        long_line=lambda characters: f"[[big {characters}]]",
        invalid_records=_garbage if is_fake else None,
    )


def kill_agent(home: Path) -> str:
    """Let a tool kill the agent, in the middle of a turn that has said something."""
    call = json.dumps({"cmd": f"python3 {home / 'kill_codex.py'}"})
    return f"[[text so far && tool exec_command {call}]] [[text no]]"


def _garbage() -> str:
    return f"{text('Before. ')[:-2]} && garbage && {text('After.')[2:]}"
