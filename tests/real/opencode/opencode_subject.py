"""The ACP example with the real OpenCode and a fake model, as a subject of the contract."""

import json
import os
from pathlib import Path

from tests.docs.pages import ROOT
from tests.fakes.models import working
from xo_cowork_core.sdk.testing import RuntimeSubject, install_plugin

EXAMPLE = ROOT / "docs" / "examples" / "acp_runtime.py"
BIN = ROOT / ".toolchain" / "bin"
# the user's own configuration, which has the models, and nothing that reaches the network
SETUP = """

OpenCode.environment = {{
    **OpenCode.environment,
    "OPENCODE_CONFIG_CONTENT": {config!r},
    "OPENCODE_MODELS_PATH": {models!r},
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
}}
"""


def text(words: str) -> str:
    """Ask for exactly these words."""
    quoted = json.dumps(words).replace("]", "\\u005d")
    return f"[[exact {quoted}]]"


def tool(name: str, **arguments: object) -> str:
    """Ask for a tool call."""
    return f"[[tool {name} {json.dumps(arguments)}]]".replace("]]]", "]\\u005d]]")


def opencode_subject(folder: Path, port: int) -> RuntimeSubject:
    """Install the example and describe what a prompt can make OpenCode do."""
    # in place of its own list of a thousand models, which takes a third of its start to read
    models = folder / "models.json"
    models.write_text("{}")
    setup = SETUP.format(config=_config(port), models=str(models))
    install_plugin(folder, "runtime_opencode", EXAMPLE.read_text() + setup)
    wait = "python3 -c 'import time; time.sleep({})'"

    def bash(command: str) -> str:
        return tool("bash", command=command, description="a command")

    def write(name: str, content: str) -> str:
        return tool("write", filePath=name, content=content)

    return RuntimeSubject(
        agent_name="opencode",
        python_path=[folder],
        plugins="runtime_opencode",
        environment={"PATH": f"{BIN}:{os.environ.get('PATH', os.defpath)}"},
        abilities=frozenset({"interrupts", "answers"}),
        lasting_processes=(str(BIN.resolve() / "opencode"), "opencode acp"),
        counts_tokens=True,
        say=text,
        slow_text=lambda seconds: f"[[text n={int(seconds * 10)} delay=0.1 slow]]",
        slow_tool=lambda seconds: f"{bash(wait.format(seconds))} {text('slept')}",
        tool=lambda name, content: f"{write(name, content)} {text('ok')}",
        reasoning=lambda: "[[think hm so && text therefore]]",
        permission=lambda name: f"{write(name, 'x')} {text('well')}",
        work=lambda name, seconds: f"{bash(working(name, seconds))} {text('done')}",
        fail=lambda code: "[[error 400]]",
        failures={"upstream": "fake error 400"},
    )


def _config(port: int) -> str:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Fake",
        "options": {"baseURL": f"http://127.0.0.1:{port}/v1", "apiKey": "fake-key"},
        "models": {"fake-1": {"name": "Fake 1"}, "fake-2": {"name": "Fake 2"}},
    }
    return json.dumps(
        {
            "autoupdate": False,
            "share": "disabled",
            "model": "fake/fake-1",
            "small_model": "fake/fake-1",
            "enabled_providers": ["fake"],
            # a title is one more model call for each session
            "agent": {"title": {"disable": True}},
            "command": {"greet": {"description": "Greets", "template": "Greet: $ARGUMENTS"}},
            "provider": {"fake": provider},
        }
    )
