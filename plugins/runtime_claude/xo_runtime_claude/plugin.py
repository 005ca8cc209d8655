"""What the plugin brings: one runtime, its settings and its secrets."""

from collections.abc import Sequence

from xo_cowork_core.sdk import Contributions, HostContext, Runtime, SecretField, hookimpl
from xo_runtime_claude.options import SECRETS, SETTINGS


class ClaudePlugin:
    """Hooks only."""

    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(settings=SETTINGS)

    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return SECRETS

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        from xo_runtime_claude.runtime import ClaudeRuntime  # noqa: PLC0415 - keeps import cheap

        return [ClaudeRuntime(context)]


plugin = ClaudePlugin()
