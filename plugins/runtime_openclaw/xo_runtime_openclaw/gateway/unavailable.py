"""Reasons why the gateway cannot be used, with the command that fixes each."""

from typing import Literal, TypeAlias

from xo_cowork_core.sdk import Health, Unavailable
from xo_cowork_core.sdk.health import HealthState
from xo_runtime_openclaw.gateway.frames import PROTOCOL, GatewayError

Kind: TypeAlias = Literal[
    "unreachable", "no_gateway", "refused", "token", "protocol", "scopes", "starting"
]
START = "openclaw gateway run"
SET_TOKEN = "put OPENCLAW_GATEWAY_TOKEN=<gateway.auth.token> into ~/.openclaw/.env"  # noqa: S105
TOKEN_CODES = frozenset(
    {"AUTH_TOKEN_MISMATCH", "AUTH_TOKEN_MISSING", "AUTH_REQUIRED", "UNAUTHORIZED", "NOT_PAIRED"}
)


class GatewayUnavailable(Exception):
    """One reason. `serves_http`: HTTP answers although the control protocol failed."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        fix: str | None = None,
        *,
        retry_after: float | None = None,
        serves_http: bool = False,
    ) -> None:
        super().__init__(detail)
        self.kind: Kind = kind
        self.detail = detail
        self.fix = fix
        self.retry_after = retry_after
        self.serves_http = serves_http

    @property
    def state(self) -> HealthState:
        match self.kind:
            case "unreachable":
                return "missing"
            case "starting":
                return "starting"
            case "token":
                return "needs_auth"
            case _:
                return "failed"

    def as_health(self) -> Health:
        """Return it as the runtime's health."""
        signed_in = False if self.kind == "token" else None
        return Health(self.state, detail=self.detail, fix=self.fix, signed_in=signed_in)

    def as_unavailable(self) -> Unavailable:
        """Return it as a refused request."""
        fix = f" To fix it: {self.fix}" if self.fix else ""
        wait = max(1, round(self.retry_after)) if self.retry_after else None
        if self.kind == "starting":
            wait = wait or 2
        return Unavailable(f"{self.detail}{fix}", retry_after=wait)


def unreachable(url: str, reason: str) -> GatewayUnavailable:
    """Return the reason: no gateway accepts the connection, or none answers."""
    return GatewayUnavailable(
        "unreachable", f"No OpenClaw gateway answers at {url} ({reason}).", START
    )


def start_expected() -> GatewayUnavailable:
    """Return the reason: no answer yet, and this server is starting the gateway."""
    return GatewayUnavailable("unreachable", "The OpenClaw gateway is starting.", retry_after=2)


def broke(reason: str) -> GatewayUnavailable:
    """Return the reason: the connection broke during a request."""
    detail = f"The connection to the OpenClaw gateway broke ({reason})."
    return GatewayUnavailable("unreachable", detail, retry_after=1)


def no_upgrade(status: int) -> GatewayUnavailable:
    """Return the reason: the address answers HTTP but refuses the WebSocket upgrade."""
    detail = f"The OpenClaw gateway refused the control connection (HTTP {status})."
    return GatewayUnavailable("no_gateway", detail, "openclaw gateway status", serves_http=True)


def starting(retry_after: float | None = None) -> GatewayUnavailable:
    """Return the reason: the gateway is starting."""
    return GatewayUnavailable(
        "starting", "The OpenClaw gateway is starting.", retry_after=retry_after or 2
    )


def scopes_missing(missing: list[str]) -> GatewayUnavailable:
    """Return the reason: the token lacks scopes that a turn needs."""
    scopes = ", ".join(missing)
    return GatewayUnavailable(
        "scopes", f"The OpenClaw gateway grants this token no {scopes}.", SET_TOKEN
    )


def wrong_protocol(protocol: object) -> GatewayUnavailable:
    """Return the reason: the gateway speaks another protocol version."""
    detail = f"The OpenClaw gateway speaks protocol {protocol}; this server needs {PROTOCOL}."
    return GatewayUnavailable(
        "protocol", detail, "npm install -g openclaw@2026.9.6", serves_http=True
    )


def handshake_refused(refused: GatewayError, *, has_token: bool) -> GatewayUnavailable:
    """Return the reason for an error that answered `connect`."""
    code = text if isinstance(text := refused.details.get("code"), str) else refused.code
    codes = {code, refused.code}
    if "UNAVAILABLE" in codes:
        return starting(refused.retry_after)
    if "PROTOCOL_MISMATCH" in codes:
        return wrong_protocol("another version")
    if codes & TOKEN_CODES or "token" in refused.text.lower():
        detail = (
            "The OpenClaw gateway does not accept this token."
            if has_token
            else "The OpenClaw gateway requires a token and none is set."
        )
        return GatewayUnavailable("token", detail, SET_TOKEN)
    detail = f"The OpenClaw gateway refused the connection: {refused.text}."
    return GatewayUnavailable("refused", detail, "openclaw gateway status", serves_http=True)
