"""An agent that is a program: one process for each turn, JSON lines in and out."""

from pathlib import Path

from xo_cowork_core import sdk
from xo_cowork_core.sdk.kit import JsonLinesAgents

AGENT = Path(__file__).with_name("jsonl_agent.py")
EVENTS = {
    "text": lambda row: sdk.TextDelta(row["text"]),
    "call": lambda row: sdk.ToolCall(row["id"], row["tool"], row["arguments"]),
    "ask": lambda row: sdk.PermissionRequest(row["id"], row["tool"], "file_changes", [row["path"]]),
    "result": lambda row: sdk.ToolResult(row["id"], row["tool"], row["output"]),
    "refused": lambda row: sdk.ToolError(row["id"], row["tool"], row["output"]),
}


class JsonLines(sdk.Runtime, sdk.Interrupts, sdk.Answers):
    def __init__(self, context):
        self._agents = JsonLinesAgents(context, title="JSON lines")

    def describe(self):
        return sdk.RuntimeInfo(name="jsonl", title="JSON lines")

    async def run(self, turn):
        async with self._agents.start(turn, [AGENT]) as agent:
            await agent.send({"prompt": turn.text, "write": turn.permissions.file_changes})
            async for row in agent:
                if row.get("type") in EVENTS:
                    yield EVENTS[row["type"]](row)

    async def interrupt(self, turn):
        await self._agents.send(turn, {"stop": True})

    async def answer(self, turn, call_id, answer):
        await self._agents.send(turn, {"id": call_id, "allow": answer.allow})


class JsonLinesPlugin:
    @sdk.hookimpl
    def xo_runtimes(self, context):
        return [JsonLines(context)]


plugin = JsonLinesPlugin()
