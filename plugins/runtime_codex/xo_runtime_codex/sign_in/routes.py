"""The plugin's routes; `GET /api/codex/status` is the account that Codex is signed in with."""

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel, Field

from xo_cowork_core.sdk import HostContext
from xo_runtime_codex.account import Account, find_account
from xo_runtime_codex.options import read_options
from xo_runtime_codex.sign_in.setup_routes import add_setup_routes


class CodexAccount(BaseModel):
    """One sign-in."""

    kind: str = Field(examples=["chatgpt"])
    email: str | None = Field(None, examples=["ada@example.com"])
    account_id: str | None = Field(None, examples=["acc-1"])
    plan: str | None = Field(None, examples=["plus"])


class CodexStatus(BaseModel):
    """Whether Codex is signed in; `is_connected` is the older name of `authenticated`."""

    authenticated: bool = Field(examples=[True])
    is_connected: bool = Field(examples=[True])
    email: str | None = Field(None, examples=["ada@example.com"])
    accounts: list[CodexAccount] = Field(examples=[[]])
    expires_at: str | None = Field(None, examples=["2026-12-01T00:00:00+00:00"])


def router(context: HostContext) -> APIRouter:
    """Return the plugin's routes."""
    options = read_options(context.settings, context.paths.home)
    routes = APIRouter()

    def read_account() -> Account | None:
        return find_account(options.home, context.secrets.environment())

    @routes.get("/api/codex/status")
    async def codex_status() -> CodexStatus:
        """Return the account that Codex is signed in with."""
        return _shape(await asyncio.to_thread(read_account))

    add_setup_routes(routes, context)

    return routes


def _shape(account: Account | None) -> CodexStatus:
    if account is None:
        return CodexStatus(
            authenticated=False, is_connected=False, email=None, accounts=[], expires_at=None
        )
    row = CodexAccount(
        kind=account.kind,
        email=account.email,
        account_id=account.account_id,
        plan=account.plan,
    )
    expires = account.expires_at
    return CodexStatus(
        authenticated=True,
        is_connected=True,
        email=account.email,
        accounts=[row],
        expires_at=expires.isoformat() if expires else None,
    )
