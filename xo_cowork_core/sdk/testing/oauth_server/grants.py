"""Clients, codes and tokens of the fake authorization server. Knows no HTTP."""

import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, TypeAlias

SLOW_DOWN_SECONDS = 5
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
Decision: TypeAlias = Literal["pending", "approved", "denied"]
# `rfc8628`: errors with status 400, JSON. `github`: errors with status 200, form-encoded unless the
# client accepts JSON, and tokens that neither expire nor have a refresh token. `github_app`: the
# same, with tokens that expire and can be refreshed.
DeviceStyle: TypeAlias = Literal["rfc8628", "github", "github_app"]


class GrantError(Exception):
    """An error answer of RFC 6749 §5.2 or RFC 8628 §3.5; `interval` comes with `slow_down`."""

    def __init__(
        self, code: str, description: str = "", *, status: int = 400, interval: int | None = None
    ) -> None:
        super().__init__(description or code)
        self.code = code
        self.description = description
        self.status = status
        self.interval = interval


@dataclass(slots=True)
class Client:
    """A client. Without a secret it is public; without redirect URIs it may use any.

    With `accepts_any_secret` it is one whose secret the test does not know.
    """

    client_id: str
    secret: str = ""
    redirect_uris: tuple[str, ...] = ()
    accepts_any_secret: bool = False

    def has_secret(self, secret: str) -> bool:
        """Return whether a secret is the client's."""
        return self.accepts_any_secret or self.secret == secret


@dataclass(slots=True)
class Code:
    """An authorization code, valid once."""

    client_id: str
    redirect_uri: str
    scope: str
    challenge: str
    expires_at: float
    family: str = ""


@dataclass(slots=True)
class Device:
    """A device code and what the person has decided."""

    client_id: str
    user_code: str
    scope: str
    interval: int
    expires_at: float
    decision: Decision = "pending"
    polled_at: float | None = None


@dataclass(slots=True)
class Token:
    """An access or refresh token. All tokens of one sign-in are of one family."""

    client_id: str
    scope: str
    family: str
    expires_at: float
    used: bool = False


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """A successful answer of RFC 6749 §5.1. Without a lifetime `expires_in` is left out."""

    access_token: str
    refresh_token: str
    expires_in: int | None
    scope: str


@dataclass(slots=True)
class Lifetimes:
    """How long codes and tokens live, in seconds, and how often a device may poll."""

    access_seconds: float = 3600
    code_seconds: float = 60
    device_seconds: float = 900
    device_interval: int = 1


@dataclass(slots=True)
class GrantStore:
    """All grants. Safe for use from the threads of a test and of the server."""

    clock: Callable[[], float]
    lifetimes: Lifetimes
    requires_pkce: bool = True
    issues_refresh_tokens: bool = True
    clients: dict[str, Client] = field(default_factory=dict[str, Client])
    codes: dict[str, Code] = field(default_factory=dict[str, Code])
    devices: dict[str, Device] = field(default_factory=dict[str, Device])
    access: dict[str, Token] = field(default_factory=dict[str, Token])
    refresh: dict[str, Token] = field(default_factory=dict[str, Token])
    lock: threading.RLock = field(default_factory=threading.RLock)

    def authenticate(self, client_id: str, secret: str) -> Client:
        """Return the client, or raise `invalid_client` (401)."""
        with self.lock:
            client = self.clients.get(client_id)
        if client is None or not client.has_secret(secret):
            raise GrantError("invalid_client", "unknown client or wrong secret", status=401)
        return client

    def create_code(self, client_id: str, redirect_uri: str, scope: str, challenge: str) -> str:
        """Return a new authorization code.

        It holds `/`, `+` and `=`, as real ones do, so that a missing or doubled percent-encoding
        is noticed.
        """
        code = f"4/{secrets.token_urlsafe(12)}+{secrets.token_urlsafe(6)}="
        expires_at = self.clock() + self.lifetimes.code_seconds
        with self.lock:
            self.codes[code] = Code(client_id, redirect_uri, scope, challenge, expires_at)
        return code

    def redeem_code(
        self, client: Client, code: str, redirect_uri: str, verifier: str
    ) -> IssuedTokens:
        """Exchange a code. A second use revokes what the first one got (RFC 6749 §4.1.2)."""
        with self.lock:
            grant = self.codes.get(code)
            if grant is None or grant.client_id != client.client_id:
                raise GrantError("invalid_grant", "the code is unknown")
            if grant.family:
                self.revoke_family(grant.family)
                raise GrantError("invalid_grant", "the code was used before")
            if grant.expires_at <= self.clock():
                raise GrantError("invalid_grant", "the code has expired")
            if grant.redirect_uri != redirect_uri:
                raise GrantError("invalid_grant", "redirect_uri is another one")
            if (grant.challenge or verifier) and _challenge(verifier) != grant.challenge:
                raise GrantError("invalid_grant", "code_verifier does not fit the code_challenge")
            grant.family = secrets.token_hex(8)
            return self.issue(client.client_id, grant.scope, grant.family)

    def redeem_refresh_token(self, client: Client, refresh_token: str) -> IssuedTokens:
        """Rotate a refresh token. A second use revokes the whole family (RFC 9700 §4.14)."""
        with self.lock:
            grant = self.refresh.get(refresh_token)
            if grant is None or grant.client_id != client.client_id:
                raise GrantError("invalid_grant", "the refresh token is unknown or revoked")
            if grant.used:
                self.revoke_family(grant.family)
                raise GrantError("invalid_grant", "the refresh token was used before")
            grant.used = True
            return self.issue(client.client_id, grant.scope, grant.family)

    def create_device(self, client: Client, scope: str) -> tuple[str, Device]:
        """Return a new device code and its entry."""
        pairs = ("".join(secrets.choice(USER_CODE_LETTERS) for _ in range(4)) for _ in range(2))
        device = Device(
            client_id=client.client_id,
            user_code="-".join(pairs),
            scope=scope,
            interval=self.lifetimes.device_interval,
            expires_at=self.clock() + self.lifetimes.device_seconds,
        )
        device_code = secrets.token_urlsafe(24)
        with self.lock:
            self.devices[device_code] = device
        return device_code, device

    def redeem_device(self, client: Client, device_code: str, *, refresh: bool) -> IssuedTokens:
        """Answer one poll of a device. One that comes too early makes the interval 5 s longer."""
        with self.lock:
            device = self.devices.get(device_code)
            if device is None or device.client_id != client.client_id:
                raise GrantError("invalid_grant", "the device code is unknown or was used")
            now = self.clock()
            if device.expires_at <= now:
                raise GrantError("expired_token")
            early = device.polled_at is not None and now - device.polled_at < device.interval * 0.8
            device.polled_at = now
            if early:
                device.interval += SLOW_DOWN_SECONDS
                raise GrantError("slow_down", interval=device.interval)
            if device.decision == "denied":
                raise GrantError("access_denied")
            if device.decision == "pending":
                raise GrantError("authorization_pending")
            del self.devices[device_code]
            family = secrets.token_hex(8)
            return self.issue(client.client_id, device.scope, family, refresh=refresh)

    def decide(self, decision: Decision, user_code: str = "") -> int:
        """Decide on one pending device, or on all; return how many there were."""
        with self.lock:
            pending = [
                device
                for device in self.devices.values()
                if device.decision == "pending" and user_code in {"", device.user_code}
            ]
            for device in pending:
                device.decision = decision
            return len(pending)

    def issue(
        self, client_id: str, scope: str, family: str, *, refresh: bool = True
    ) -> IssuedTokens:
        """Return a new access token and, where the server issues them, a refresh token."""
        seconds = self.lifetimes.access_seconds if refresh else float("inf")
        expires_at = self.clock() + seconds
        access_token, refresh_token = f"access-{secrets.token_urlsafe(18)}", ""
        with self.lock:
            self.access[access_token] = Token(client_id, scope, family, expires_at)
            if refresh and self.issues_refresh_tokens:
                refresh_token = f"refresh-{secrets.token_urlsafe(18)}"
                self.refresh[refresh_token] = Token(client_id, scope, family, float("inf"))
        expires_in = int(seconds) if refresh else None
        return IssuedTokens(access_token, refresh_token, expires_in, scope)

    def valid_access(self, access_token: str) -> Token | None:
        """Return the entry of an access token, None when it is unknown, expired or revoked."""
        with self.lock:
            token = self.access.get(access_token)
        return token if token and token.expires_at > self.clock() else None

    def revoke(self, token: str) -> None:
        """Revoke a token and its family. An unknown one is no error (RFC 7009 §2.2)."""
        with self.lock:
            entry = self.access.get(token) or self.refresh.get(token)
            if entry:
                self.revoke_family(entry.family)

    def revoke_family(self, family: str) -> None:
        """Revoke all tokens of one sign-in."""
        with self.lock:
            for tokens in (self.access, self.refresh):
                for name in [name for name, token in tokens.items() if token.family == family]:
                    del tokens[name]

    def expire(self, entries: Iterable[Token | Code | Device]) -> None:
        """Let entries end now."""
        with self.lock:
            for entry in list(entries):
                entry.expires_at = self.clock()


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
