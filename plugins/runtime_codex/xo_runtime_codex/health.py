"""Whether Codex is there and signed in."""

from pathlib import Path

from xo_cowork_core.sdk import HostContext, ProgramHealth
from xo_runtime_codex.account import find_account
from xo_runtime_codex.options import Options
from xo_runtime_codex.protocol.failures import INSTALL


class HealthCheck(ProgramHealth):
    """Looks at `codex`."""

    title = "Codex"
    command = "codex"
    install = INSTALL
    sign_in = "codex login"

    def __init__(self, context: HostContext, options: Options) -> None:
        own = {"CODEX_HOME": str(options.home)} if options.own_home else {}
        super().__init__(context, options.binary, own)
        self._secrets = context.secrets
        self._home = options.home

    def has_key(self) -> bool:
        return find_account(self._home, self._secrets.environment()) is not None

    async def is_signed_in(self, binary: Path) -> bool:
        # it may keep its sign-in in the system's key ring
        return (await self.ask(binary, "login", "status")).returncode == 0
