"""OpenCode, an agent that speaks the Agent Client Protocol (ACP)."""

from collections.abc import Sequence
from typing import ClassVar

from xo_cowork_core.sdk import HostContext, Json, Runtime, RuntimeInfo, hookimpl
from xo_cowork_core.sdk.kit import AcpRuntime


class OpenCode(AcpRuntime):
    """One process for all sessions, which ends after ten minutes without a turn."""

    title = "OpenCode"
    command = "opencode"
    arguments = ("acp",)
    install = "npm install --global opencode-ai"
    # without this it changes files unasked
    environment: ClassVar = {"OPENCODE_PERMISSION": '{"edit": "ask", "bash": "ask"}'}

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo(name="opencode", title="OpenCode")

    def tool_of(self, call: Json) -> str:
        # the title of the first report of a call is the tool's name
        return str(call.get("title") or "tool")


class OpenCodePlugin:
    """The plugin: hooks only."""

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        return [OpenCode(context)]


plugin = OpenCodePlugin()
