"""The state of one sign-in, with its secrets. Only the journal and the step function see it whole.

Times are absolute, so that a flow continues after a restart of the server.
"""

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import SecretStr

from xo_cowork_core.sdk.connector import Account, MethodKind, TokenSet
from xo_cowork_core.services.auth_flows.views import (
    TERMINAL_STATES,
    FlowError,
    FlowState,
    FlowView,
    Redirect,
)

START_TIME = timedelta(seconds=30)
CODE_TIME = timedelta(seconds=600)
EXCHANGE_TIME = timedelta(seconds=30)
VERIFY_TIME = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-in.

    `target` is a connector's name, or `runtime:<name>`.
    `deadline` ends the present state, `expires_at` the flow. `port` is the fixed port that it
    uses, 0 for none. `accepted_input` is a hash of the code or text that was accepted last.
    `attempts` counts the verifications of one set of tokens. `is_storing` says that the tokens are
    being stored: from then on a flow can't be cancelled.
    """

    flow_id: str
    target: str
    connection: str
    method: str
    kind: MethodKind
    created_at: datetime
    deadline: datetime
    expires_at: datetime
    state: FlowState = "starting"
    requested_redirect: Redirect | None = None
    public_callback: str = ""
    port: int = 0
    redirect: Redirect | None = None
    redirect_uri: str = ""
    authorize_url: str = ""
    user_code: str = ""
    verification_uri: str = ""
    verification_uri_complete: str = ""
    interval: int = 5
    key_pattern: str = ""
    takes_input: bool = False
    client_id: str = ""
    issuer: str = ""
    oauth_state: SecretStr | None = None
    verifier: SecretStr | None = None
    device_code: SecretStr | None = None
    tokens: TokenSet | None = None
    obtained_at: datetime | None = None
    accepted_input: str = ""
    attempts: int = 0
    is_storing: bool = False
    message: str = ""
    error: FlowError | None = None
    account: Account | None = None
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether the flow has ended, well or not."""
        return self.state in TERMINAL_STATES

    @property
    def accepts_text(self) -> bool:
        """Whether a person may submit a text now."""
        return self.state == "awaiting_user" and (
            self.kind in {"authorization_code", "api_key"} or self.takes_input
        )

    def hash_input(self, text: str) -> str:
        """Return a hash by which a second submission of the same text is recognized."""
        return hmac.new(self.flow_id.encode(), text.encode(), hashlib.sha256).hexdigest()

    def has_state(self, state: str) -> bool:
        """Return whether `state` is this flow's, in constant time."""
        if self.oauth_state is None or not state:
            return False
        own = self.oauth_state.get_secret_value()
        return hmac.compare_digest(own.encode(), state.encode(errors="replace"))

    def view(self) -> FlowView:
        """Return what clients see."""
        return FlowView(
            flow_id=self.flow_id,
            target=self.target,
            connection=self.connection,
            method=self.method,
            kind=self.kind,
            state=self.state,
            redirect=self.redirect,
            authorize_url=self.authorize_url or None,
            user_code=self.user_code or None,
            verification_uri=self.verification_uri or None,
            verification_uri_complete=self.verification_uri_complete or None,
            expires_at=self.expires_at,
            needs_input=self.accepts_text,
            message=self.message,
            error=self.error,
            account=self.account,
        )


def new_flow(flow_id: str, target: str, connection: str, kind: MethodKind, now: datetime) -> Flow:
    """Return a flow that has just been requested; the caller adds what its method declares."""
    return Flow(
        flow_id=flow_id,
        target=target,
        connection=connection,
        method="",
        kind=kind,
        created_at=now,
        deadline=now + START_TIME,
        expires_at=now + CODE_TIME,
    )


def ended(
    flow: Flow,
    state: FlowState,
    now: datetime,
    *,
    message: str,
    code: str = "",
) -> Flow:
    """Return the flow in a terminal state, without secrets and what a person no longer needs."""
    return replace(
        flow,
        state=state,
        ended_at=now,
        message=message,
        error=FlowError(code, message) if code else None,
        account=flow.account if state == "completed" else None,
        authorize_url="",
        user_code="",
        verification_uri="",
        verification_uri_complete="",
        oauth_state=None,
        verifier=None,
        device_code=None,
        tokens=None,
        is_storing=False,
    )
