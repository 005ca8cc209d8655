"""Runtimes over the kit's `AcpRuntime`; the setting `ACP_AGENT` is the program of the fake agent.

`acp_agent` takes MCP servers over HTTP, `older_agent` does not.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from xo_cowork_core.sdk import (
    Contributions,
    HostContext,
    Runtime,
    RuntimeInfo,
    Setting,
    hookimpl,
)
from xo_cowork_core.sdk.kit import AcpRuntime

PROGRAM = Setting("ACP_AGENT", "The agent's program.", kind="path")


class Agent(AcpRuntime):
    title = "ACP agent"

    def __init__(self, context: HostContext) -> None:
        super().__init__(context)
        type(self).command = context.settings[PROGRAM.name]

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("acp_agent", "ACP agent")


class OlderAgent(Agent):
    environment: ClassVar[Mapping[str, str]] = {"ACP_TAKES_NO_MCP": "1"}

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("older_agent", "Older agent")


class Plugin:
    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(settings=[PROGRAM])

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        return [Agent(context), OlderAgent(context)]


plugin = Plugin()
