"""Health of Codex: is it installed, and is an account signed in."""

from pathlib import Path

from xo_cowork_core.sdk import HostContext
from xo_cowork_core.sdk.kit import ProgramHealth
from xo_runtime_codex.account import find_account
from xo_runtime_codex.options import Options
from xo_runtime_codex.program import find_program
from xo_runtime_codex.protocol.failures import INSTALL


class HealthCheck(ProgramHealth):
    """Checks the `codex` executable and its sign-in."""

    title = "Codex"
    command = "codex"
    install = INSTALL
    sign_in = "codex login"

    def __init__(self, context: HostContext, options: Options) -> None:
        environment = {"CODEX_HOME": str(options.home)} if options.own_home else {}
        super().__init__(context, options.binary, environment)
        self._options = options
        self._secrets = context.secrets
        self._home = options.home

    def find_binary(self) -> Path | None:
        return find_program(self._context, self._options)

    def has_key(self) -> bool:
        return find_account(self._home, self._secrets.environment()) is not None

    async def is_signed_in(self, binary: Path) -> bool:
        # the sign-in may be in the system's key ring
        return (await self.run_command(binary, "login", "status")).returncode == 0
