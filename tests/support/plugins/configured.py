"""A runtime with providers, a configuration, an account and a catalog, for tests of those routes.

It reads them from `~/configured.json`, so that a test decides what they are.
"""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from xo_cowork_core.sdk import (
    Contributions,
    Event,
    HostContext,
    Json,
    Runtime,
    RuntimeInfo,
    SecretField,
    TextDelta,
    Turn,
    Unavailable,
    hookimpl,
)
from xo_cowork_core.sdk.kit import read_mcp_entries
from xo_cowork_core.sdk.runtime.catalog import (
    Automation,
    ListsAutomations,
    ListsMcpServers,
    ListsTools,
    McpServer,
    Tool,
)
from xo_cowork_core.sdk.runtime.configuration import (
    ListsProviders,
    Provider,
    ProviderAccount,
    ReportsAccount,
    ShowsConfiguration,
)


class ConfiguredRuntime(
    Runtime,
    ListsProviders,
    ShowsConfiguration,
    ReportsAccount,
    ListsTools,
    ListsMcpServers,
    ListsAutomations,
):
    """Shows what its file holds."""

    def __init__(self, context: HostContext) -> None:
        self._context = context

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("configured", "Configured", rank=10)

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        yield TextDelta("hi")

    async def providers(self) -> Sequence[Provider]:
        return [
            Provider("acme", "Acme", "ACME_KEY"),
            Provider("other", "Other", "OTHER_KEY"),
            # its key is not among the plugin's secrets
            Provider("ghost", "Ghost", "GHOST_KEY"),
        ]

    async def configuration(self) -> Json:
        config = self._read().get("config", {})
        assert isinstance(config, dict)
        return config

    async def account(self) -> ProviderAccount | None:
        account = self._read().get("account")
        return ProviderAccount(**account) if isinstance(account, dict) else None

    async def tools(self) -> Sequence[Tool]:
        if self._read().get("is_down"):
            raise Unavailable("It is down")
        return [Tool("read", "Reads a file")]

    async def mcp_servers(self, cwd: Path) -> Sequence[McpServer]:
        return read_mcp_entries(self._read().get("mcpServers"), scope="project")

    async def automations(self) -> Sequence[Automation]:
        return [Automation("a1", "Report", "0 7 * * *", enabled=False)]

    def _read(self) -> Json:
        file = self._context.paths.home / "configured.json"
        return json.loads(file.read_text()) if file.exists() else {}


class Plugin:
    """Contributes the runtime, with an env file of its own."""

    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(env_file="~/.configured/env")

    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return [SecretField("ACME_KEY", "Acme"), SecretField("OTHER_KEY", "Other")]

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        return [ConfiguredRuntime(context)]


plugin = Plugin()
