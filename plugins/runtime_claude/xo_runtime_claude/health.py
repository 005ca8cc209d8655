"""Health of the `claude` executable: installed, runs, signed in."""

from pathlib import Path

import orjson

from xo_cowork_core.sdk import HostContext
from xo_cowork_core.sdk.kit import ProgramHealth
from xo_runtime_claude.options import (
    CREDENTIAL_NAMES,
    QUIET_ENVIRONMENT,
    Options,
    is_credential,
)


class HealthCheck(ProgramHealth):
    """Checks the `claude` executable and its sign-in."""

    title = "Claude Code"
    command = "claude"
    install = "npm install -g @anthropic-ai/claude-code"
    sign_in = "claude auth login"

    def __init__(self, context: HostContext, options: Options) -> None:
        config = {"CLAUDE_CONFIG_DIR": str(options.config)} if options.has_own_config else {}
        super().__init__(context, options.binary, {**QUIET_ENVIRONMENT, **config})
        self._secrets = context.secrets
        self._credentials = options.config / ".credentials.json"

    def has_key(self) -> bool:
        environment = self._secrets.environment()
        if any(is_credential(environment.get(key)) for key in CREDENTIAL_NAMES):
            return True
        return self._credentials.is_file()

    async def is_signed_in(self, binary: Path) -> bool:
        result = await self.run_command(binary, "auth", "status", "--json")
        try:
            status = orjson.loads(result.stdout)
        except ValueError:
            return False
        return isinstance(status, dict) and status.get("loggedIn") is True
