"""The account that Codex is signed in with, read from its own files. Tokens are never returned."""

import base64
import binascii
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import SecretStr

from xo_cowork_core.sdk.runtime.configuration import AccountKind, ProviderAccount
from xo_runtime_codex.options import PROVIDERS, SECRETS, is_credential

TOKEN_PARTS = 3
OWN_PROVIDER = "custom"
KINDS: Mapping[str, AccountKind] = {"chatgpt": "subscription", "api_key": "api_key"}


class Account(NamedTuple):
    """A signed-in account. `kind` is `chatgpt`, `api_key` or `provider`."""

    kind: str
    email: str | None = None
    account_id: str | None = None
    plan: str | None = None
    expires_at: datetime | None = None


def find_account(home: Path, environment: Mapping[str, SecretStr]) -> Account | None:
    """Return the account that a turn would use, or None. Reads files."""
    if is_credential(environment.get("CODEX_API_KEY")):
        return Account("api_key")
    stored = stored_account(home)
    if stored:
        return stored
    if any(is_credential(environment.get(secret.key)) for secret in SECRETS):
        return Account("api_key")
    return _provider(home, environment)


def signed_in(home: Path) -> bool:
    """Return whether Codex has stored a sign-in. Reads a file."""
    return stored_account(home) is not None


def provider_account(account: Account) -> ProviderAccount:
    """Return an account in the words of the SDK."""
    kind: AccountKind = KINDS.get(account.kind, "other")
    provider_id = OWN_PROVIDER if kind == "other" else PROVIDERS[0].id
    return ProviderAccount(provider_id, kind, account.email, account.plan, account.expires_at)


def sign_in_mark(home: Path) -> tuple[int, int] | None:
    """Return a value that changes when Codex stores another sign-in. Reads a file."""
    try:
        status = (home / "auth.json").stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if signed_in(home) else None


def stored_account(home: Path) -> Account | None:
    """Return the account of the sign-in that Codex has stored. Reads a file."""
    try:
        auth = orjson.loads((home / "auth.json").read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(auth, dict):
        return None
    tokens = auth.get("tokens")
    if isinstance(tokens, dict) and tokens.get("access_token"):
        return _subscription(tokens)
    return Account("api_key") if auth.get("OPENAI_API_KEY") else None


def _subscription(tokens: Mapping[str, Any]) -> Account:
    identity, access = _claims(tokens.get("id_token")), _claims(tokens.get("access_token"))
    scope = identity.get("https://api.openai.com/auth")
    plan = scope.get("chatgpt_plan_type") if isinstance(scope, Mapping) else None
    expires = access.get("exp")
    return Account(
        kind="chatgpt",
        email=_text(identity.get("email")),
        account_id=_text(tokens.get("account_id")),
        plan=_text(plan),
        expires_at=datetime.fromtimestamp(expires, UTC) if isinstance(expires, int) else None,
    )


def _provider(home: Path, environment: Mapping[str, SecretStr]) -> Account | None:
    """Return the user's own provider as account; it may need another key, or none."""
    try:
        config = tomllib.loads((home / "config.toml").read_text(errors="replace"))
    except (OSError, ValueError):
        return None
    name = config.get("model_provider")
    providers = config.get("model_providers")
    provider = providers.get(name) if isinstance(providers, dict) else None
    if not isinstance(provider, dict) or provider.get("requires_openai_auth"):
        return None
    key = provider.get("env_key")
    return Account("provider") if not key or key in environment else None


def _claims(token: object) -> Mapping[str, Any]:
    """Return a token's claims, for display; the signature is not checked."""
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != TOKEN_PARTS:
        return {}
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
