"""What Codex has stored at the end of a sign-in."""

import asyncio
from collections.abc import Sequence

from xo_cowork_core.sdk import Unauthorized
from xo_cowork_core.sdk.connector import Account
from xo_cowork_core.sdk.runtime.agents import Agent
from xo_runtime_codex.account import signed_in, stored_account
from xo_runtime_codex.health import HealthCheck
from xo_runtime_codex.options import Options

DEFAULT_AGENT = "codex-default"


async def find_sign_in(options: Options, health: HealthCheck) -> Account:
    """Return the account that is signed in now. Raises Unauthorized when there is none."""
    health.forget_sign_in()
    account = await asyncio.to_thread(stored_account, options.home)
    if account is None:
        # it may be in the system's key ring
        if not (await health.check()).signed_in:
            raise Unauthorized("Codex has stored no sign-in.")
        return Account("codex")
    email = account.email or ""
    return Account(account.account_id or email or "codex", username=email, email=email)


async def default_agents(options: Options) -> Sequence[Agent]:
    """Return the agent that clients list once a person is signed in."""
    if not await asyncio.to_thread(signed_in, options.home):
        return []
    fields = {"name": "Codex", "description": "The account that Codex is signed in with."}
    return [Agent(DEFAULT_AGENT, fields)]
