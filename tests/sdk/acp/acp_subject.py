"""A runtime over the kit's `AcpRuntime` and the fake ACP agent, as a subject of the contract."""

import json
from pathlib import Path

from xo_cowork_core.sdk.testing import RuntimeSubject, install_plugin

AGENT = Path(__file__).parents[2] / "fakes" / "acp_agent" / "agent.py"
IDLE_SECONDS = 3.0
SOURCE = """\
from xo_cowork_core.sdk import RuntimeInfo, hookimpl
from xo_cowork_core.sdk.kit import AcpRuntime


class Mine(AcpRuntime):
    title = "Mine"
    command = {agent!r}

    def describe(self):
        return RuntimeInfo(name="mine", title="Mine")

    def tool_of(self, call):
        return call.get("title") or "tool"


class Plugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [Mine(context, idle_seconds={idle_seconds})]


plugin = Plugin()
"""


def acp_subject(folder: Path) -> RuntimeSubject:
    """Install the runtime and describe what a prompt can make the agent do."""
    source = SOURCE.format(agent=str(AGENT), idle_seconds=IDLE_SECONDS)
    install_plugin(folder, "runtime_mine", source)

    def write(name: str, content: str) -> str:
        return f"write {name} {json.dumps(content)}"

    return RuntimeSubject(
        agent_name="mine",
        python_path=[folder],
        plugins="runtime_mine",
        abilities=frozenset({"interrupts", "answers"}),
        lasting_processes=[str(AGENT)],
        counts_tokens=True,
        idle_seconds=IDLE_SECONDS,
        say=lambda text: f"say {json.dumps(text)}",
        nothing=lambda: 'say ""',
        slow_text=lambda seconds: f"tick {seconds}",
        slow_tool=lambda seconds: f"wait {seconds}",
        tool=write,
        reasoning=lambda: "think",
        permission=lambda name: write(name, "asked"),
        work=lambda name, seconds: f"work {name} {seconds}",
        fail=lambda code: "fail",
        failures={"upstream": "the model is on fire"},
    )
