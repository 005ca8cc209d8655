"""What happens to a flow."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.connector import Account, TokenSet
from xo_cowork_core.sdk.value_class import value_class
from xo_cowork_core.services.auth_flows.views import Redirect


@value_class
class AuthorizationPrepared:
    """The authorization request is ready; a person may open its URL."""

    authorize_url: str
    redirect: Redirect
    redirect_uri: str
    oauth_state: SecretStr
    verifier: SecretStr
    client_id: str
    issuer: str = ""


@value_class
class DeviceAuthorized:
    """The server issued a device code."""

    device_code: SecretStr
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    interval: int
    expires_at: datetime
    client_id: str


@value_class
class KeyRequested:
    """An API key may be submitted."""


@value_class
class CommandPrompted:
    """The program printed what a person needs. `oauth_state` is that of its URL, if known.

    `expires_at` is None where the program does not say until when the prompt is valid.
    """

    authorize_url: str
    user_code: str = ""
    oauth_state: SecretStr | None = None
    expires_at: datetime | None = None


@value_class
class StepFailed:
    """What the last action asked for has failed; `is_retryable` when it may work later."""

    code: str
    message: str
    is_retryable: bool = False


@value_class
class DevicePending:
    """The person has not approved the device yet."""

    is_too_fast: bool = False
    interval: int | None = None


@value_class
class DevicePollFailed:
    """A poll had no answer; the next may have one."""

    message: str


@value_class
class TextSubmitted:
    """A person pasted a text."""

    text: str


@value_class
class CallbackReceived:
    """The browser came back with this query."""

    query: Mapping[str, str]


@value_class
class TokensReceived:
    """The server or the program issued tokens; None: the agent stored its sign-in itself."""

    tokens: TokenSet | None


@value_class
class AccountIdentified:
    """The tokens work and belong to this account."""

    account: Account


@value_class
class ConnectionStored:
    """The tokens are stored."""


@value_class
class ListenerLost:
    """The loopback port is taken, so the browser can't come back by itself."""


@value_class
class CancelRequested:
    """A person gave up. `superseded` when another flow takes this one's place."""

    superseded: bool = False


@value_class
class TimePassed:
    """A deadline may have passed."""


@value_class
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
