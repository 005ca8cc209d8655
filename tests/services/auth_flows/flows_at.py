"""Flows in each of their states, for tests of the step function."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from xo_cowork_core.sdk.connector import Account, MethodKind, TokenSet
from xo_cowork_core.services.auth_flows.events import (
    AuthorizationPrepared,
    CommandPrompted,
    DeviceAuthorized,
    Event,
    KeyRequested,
)
from xo_cowork_core.services.auth_flows.flow import Flow, new_flow
from xo_cowork_core.services.auth_flows.step import step

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKENS = TokenSet(SecretStr("the-access-token"), SecretStr("the-refresh-token"))
ACCOUNT = Account("1", username="octo")
STATE, VERIFIER, DEVICE_CODE = "the-state", "the-verifier", "the-device-code"
REDIRECT_URI = "http://127.0.0.1:4000/callback"
SECRETS = ("the-access-token", "the-refresh-token", STATE, VERIFIER, DEVICE_CODE)
PROMPTS: dict[MethodKind, Event] = {
    "authorization_code": AuthorizationPrepared(
        authorize_url=f"https://acme.test/authorize?state={STATE}",
        redirect="loopback",
        redirect_uri=REDIRECT_URI,
        oauth_state=SecretStr(STATE),
        verifier=SecretStr(VERIFIER),
        client_id="client",
        issuer="https://acme.test",
    ),
    "device_code": DeviceAuthorized(
        device_code=SecretStr(DEVICE_CODE),
        user_code="AB-CD",
        verification_uri="https://acme.test/device",
        verification_uri_complete="",
        interval=5,
        expires_at=NOW + timedelta(seconds=900),
        client_id="client",
    ),
    "api_key": KeyRequested(),
    "command": CommandPrompted("https://acme.test/login", "AB-CD"),
}


def starting(kind: MethodKind = "authorization_code") -> Flow:
    """A new flow."""
    flow = new_flow("f" * 32, "acme", "default", kind, NOW)
    return replace(flow, method=kind, takes_input=kind == "command", key_pattern="")


def waiting(kind: MethodKind = "authorization_code") -> Flow:
    """A flow that waits for a person."""
    return step(starting(kind), PROMPTS[kind], NOW)[0]


def exchanging() -> Flow:
    """A flow whose code is being exchanged."""
    return replace(
        waiting(), state="exchanging", deadline=NOW + timedelta(seconds=30), accepted_input=""
    )


def verifying(kind: MethodKind = "authorization_code") -> Flow:
    """A flow with tokens that are being checked."""
    return replace(
        waiting(kind),
        state="verifying",
        tokens=TOKENS,
        obtained_at=NOW,
        attempts=1,
        deadline=NOW + timedelta(seconds=60),
    )


def storing() -> Flow:
    """A flow whose tokens are being stored."""
    return replace(verifying(), account=ACCOUNT, is_storing=True)
