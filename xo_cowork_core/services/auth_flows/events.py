"""What happens to a flow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.connector import Account, TokenSet
from xo_cowork_core.services.auth_flows.views import Redirect


@dataclass(frozen=True, slots=True)
class AuthorizationPrepared:
    """The authorization request is ready; a person may open its URL."""

    authorize_url: str
    redirect: Redirect
    redirect_uri: str
    oauth_state: SecretStr
    verifier: SecretStr
    client_id: str
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class DeviceAuthorized:
    """The server issued a device code."""

    device_code: SecretStr
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    interval: int
    expires_at: datetime
    client_id: str


@dataclass(frozen=True, slots=True)
class KeyRequested:
    """An API key may be submitted."""


@dataclass(frozen=True, slots=True)
class CommandPrompted:
    """The program printed what a person needs. `oauth_state` is that of its URL, if known.

    `expires_at` is None where the program does not say until when the prompt is valid.
    """

    authorize_url: str
    user_code: str = ""
    oauth_state: SecretStr | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StepFailed:
    """What the last action asked for has failed; `is_retryable` when it may work later."""

    code: str
    message: str
    is_retryable: bool = False


@dataclass(frozen=True, slots=True)
class DevicePending:
    """The person has not approved the device yet."""

    is_too_fast: bool = False
    interval: int | None = None


@dataclass(frozen=True, slots=True)
class DevicePollFailed:
    """A poll had no answer; the next may have one."""

    message: str


@dataclass(frozen=True, slots=True)
class TextSubmitted:
    """A person pasted a text."""

    text: str


@dataclass(frozen=True, slots=True)
class CallbackReceived:
    """The browser came back with this query."""

    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TokensReceived:
    """The server or the program issued tokens; None: the agent stored its sign-in itself."""

    tokens: TokenSet | None


@dataclass(frozen=True, slots=True)
class AccountIdentified:
    """The tokens work and belong to this account."""

    account: Account


@dataclass(frozen=True, slots=True)
class ConnectionStored:
    """The tokens are stored."""


@dataclass(frozen=True, slots=True)
class ListenerLost:
    """The loopback port is taken, so the browser can't come back by itself."""


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """A person gave up. `superseded` when another flow takes this one's place."""

    superseded: bool = False


@dataclass(frozen=True, slots=True)
class TimePassed:
    """A deadline may have passed."""


@dataclass(frozen=True, slots=True)
class ServerRestarted:
    """The flow was read from the journal of an earlier server."""


Event: TypeAlias = (
    AuthorizationPrepared
    | DeviceAuthorized
    | KeyRequested
    | CommandPrompted
    | StepFailed
    | DevicePending
    | DevicePollFailed
    | TextSubmitted
    | CallbackReceived
    | TokensReceived
    | AccountIdentified
    | ConnectionStored
    | ListenerLost
    | CancelRequested
    | TimePassed
    | ServerRestarted
)
