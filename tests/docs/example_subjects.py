"""The runtimes of docs/examples as subjects of the contract."""

import json
import shutil
from pathlib import Path

from xo_cowork_core.sdk.testing import RuntimeSubject, install_plugin

SILENT_SECONDS = 6.0
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def limit_silence(source: str) -> str:
    """Return a runtime's text with a limit of silence that a test can wait for."""
    title = 'title="JSON lines")'
    limited = f'title="JSON lines", silent_seconds={SILENT_SECONDS})'
    return source.replace(f'name="jsonl", {title}', f'name="jsonl", {limited}')


def install_jsonl(folder: Path, source: str | None = None) -> RuntimeSubject:
    """Install the JSON lines runtime, or a changed `source` of it, into a folder."""
    text = source or limit_silence((EXAMPLES / "jsonl_runtime.py").read_text())
    install_plugin(folder, "runtime_jsonl", text)
    shutil.copy(EXAMPLES / "jsonl_agent.py", folder / "xo_runtime_jsonl" / "jsonl_agent.py")
    return RuntimeSubject(
        agent_name="jsonl",
        python_path=[folder],
        plugins="runtime_jsonl",
        abilities=frozenset({"interrupts", "answers"}),
        say=lambda text: f"say {text}",
        nothing=lambda: "say",
        slow_text=lambda seconds: f"tick {seconds}",
        slow_tool=lambda seconds: f"work worked.txt {seconds}",
        tool=lambda name, content: f"write {name} {json.dumps(content)}",
        permission=lambda name: f'write {name} "asked"',
        work=lambda name, seconds: f"work {name} {seconds}",
        die=lambda: "die",
        silent=lambda: "hang",
    )
