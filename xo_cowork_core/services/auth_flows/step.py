"""The transition function of one flow: (flow, event, now) to (flow, actions). No I/O, no clock.

Faults that may pass (network, status 5xx and 429, a wrong state, half a paste, a wrong key) lead
back to `awaiting_user` with a message. Denial, `invalid_grant`, cancellation and time end a flow.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.services.auth_flows import texts
from xo_cowork_core.services.auth_flows.actions import (
    Action,
    ExchangeCode,
    Identify,
    OpenListener,
    PassInput,
    PollDevice,
    Prepare,
    Reject,
    Release,
    StopWork,
    StoreConnection,
)
from xo_cowork_core.services.auth_flows.events import (
    AccountIdentified,
    AuthorizationPrepared,
    CallbackReceived,
    CancelRequested,
    CommandPrompted,
    ConnectionStored,
    DeviceAuthorized,
    DevicePending,
    DevicePollFailed,
    Event,
    KeyRequested,
    ListenerLost,
    ServerRestarted,
    StepFailed,
    TextSubmitted,
    TokensReceived,
)
from xo_cowork_core.services.auth_flows.flow import (
    EXCHANGE_TIME,
    START_TIME,
    VERIFY_TIME,
    Flow,
    ended,
)
from xo_cowork_core.services.auth_flows.paste import RedirectAnswer, answer_of, parse_paste
from xo_cowork_core.services.auth_flows.views import FlowError
from xo_cowork_core.services.connectors.errors import CodeMissing

Step: TypeAlias = tuple[Flow, Sequence[Action]]
ERROR_NAME = re.compile(r"[a-z_]{1,64}")
PASSING_ERRORS = frozenset({"server_error", "temporarily_unavailable"})
# what signs in by itself does not survive the server, and may store its sign-in itself
PROGRAM_KINDS = frozenset({"command", "agent"})
MAX_KEY_CHARACTERS = 8 * 1024
MAX_VERIFICATIONS = 3
SLOW_DOWN_SECONDS = 5
MAX_INTERVAL_SECONDS = 60


def step(flow: Flow, event: Event, now: datetime) -> Step:
    """Return the flow after an event, and what is to be done."""
    if flow.is_over:
        return flow, _reject_late(flow, event)
    # tokens that were approved in time may arrive late
    if isinstance(event, TokensReceived | AccountIdentified | ConnectionStored):
        return _apply(flow, event, now)
    current, expiry = _pass_time(flow, now)
    if current.is_over:
        return current, [*expiry, *_reject_late(current, event)]
    after, actions = _apply(current, event, now)
    return after, [*expiry, *actions]


def _apply(flow: Flow, event: Event, now: datetime) -> Step:  # noqa: C901, PLR0911  # a table
    match event:
        case AuthorizationPrepared() | DeviceAuthorized() | KeyRequested() | CommandPrompted() if (
            flow.state == "starting"
        ):
            return _prepared(flow, event)
        case TextSubmitted(text):
            return _submitted(flow, text, now)
        case CallbackReceived(query) if _awaits_code(flow):
            return _answered(flow, answer_of(dict(query)), now)
        case DevicePending() | DevicePollFailed() if flow.state == "awaiting_user":
            return _polled(flow, event)
        case TokensReceived(tokens) if not flow.is_storing and flow.state != "verifying":
            return _verify(flow, tokens, now)
        case AccountIdentified(account) if flow.state == "verifying" and not flow.is_storing:
            return replace(flow, account=account, is_storing=True), [StoreConnection()]
        case ConnectionStored() if flow.is_storing:
            return ended(flow, "completed", now, message=texts.CONNECTED), [Release()]
        case StepFailed():
            return _failed(flow, event, now)
        case ListenerLost() if flow.redirect == "loopback":
            return replace(flow, redirect="paste", message=texts.PASTE_URL), []
        case CancelRequested(superseded) if not flow.is_storing:
            message = texts.SUPERSEDED if superseded else texts.CANCELLED
            code = "superseded" if superseded else ""
            return ended(flow, "cancelled", now, message=message, code=code), [Release()]
        case ServerRestarted():
            return _restarted(flow, now)
        case _:
            return flow, []


def _prepared(
    flow: Flow,
    event: AuthorizationPrepared | DeviceAuthorized | KeyRequested | CommandPrompted,
) -> Step:
    match event:
        case AuthorizationPrepared():
            message = texts.PASTE_URL if event.redirect == "paste" else texts.OPEN_URL
        case DeviceAuthorized(expires_at=expires_at):
            message = texts.ENTER_CODE
            flow = replace(flow, expires_at=expires_at)
        case KeyRequested():
            message = texts.PASTE_KEY
        case CommandPrompted(user_code=code):
            message = texts.ENTER_CODE if code else texts.SIGN_IN
    # the members of these events are members of a flow, with the same names
    prompt = {each.name: getattr(event, each.name) for each in fields(event)}
    if prompt.get("expires_at", ...) is None:
        del prompt["expires_at"]
    flow = replace(flow, state="awaiting_user", deadline=flow.expires_at, message=message, **prompt)
    return flow, [PollDevice(flow.interval)] if flow.device_code else []


def _submitted(flow: Flow, text: str, now: datetime) -> Step:
    if _is_accepted(flow, text):
        return flow, []
    if not flow.accepts_text:
        return flow, [Reject("not_waiting", texts.NOT_WAITING)]
    if flow.kind == "api_key":
        return _submitted_key(flow, text, now)
    if not _takes_answer(flow):
        return _submitted_line(flow, text)
    try:
        answer = parse_paste(text)
    except CodeMissing as error:
        return _rejected(flow, "code_missing", error.message)
    return _answered(flow, answer, now, text)


def _submitted_key(flow: Flow, text: str, now: datetime) -> Step:
    key = text.strip()
    if not key or len(key) > MAX_KEY_CHARACTERS or not key.isprintable():
        return _rejected(flow, "invalid_key", texts.MALFORMED_KEY)
    if flow.key_pattern and not re.fullmatch(flow.key_pattern, key):
        return _rejected(flow, "invalid_key", texts.MALFORMED_KEY)
    flow = replace(flow, accepted_input=flow.hash_input(text))
    return _verify(flow, TokenSet(SecretStr(key)), now)


def _submitted_line(flow: Flow, text: str) -> Step:
    line = text.strip()
    if not line or len(line) > MAX_KEY_CHARACTERS or not line.isprintable():
        return _rejected(flow, "code_missing", texts.NOT_ONE_LINE)
    flow = replace(flow, accepted_input=flow.hash_input(text), message=texts.PASSED_ON, error=None)
    return flow, [PassInput(SecretStr(line))]


def _answered(flow: Flow, answer: RedirectAnswer, now: datetime, text: str = "") -> Step:
    """Take an authorization answer from the browser, or from the `text` that a person pasted."""
    if fault := _fault_of(flow, answer):
        return _rejected(flow, fault.code, fault.message)
    if answer.error:
        return _refused(flow, answer.error, now)
    flow = replace(flow, accepted_input=flow.hash_input(answer.code), error=None)
    if flow.kind == "command":
        return replace(flow, message=texts.PASSED_ON), [PassInput(SecretStr(text))]
    exchanging = replace(
        flow, state="exchanging", deadline=now + EXCHANGE_TIME, message=texts.EXCHANGING
    )
    return exchanging, [ExchangeCode(SecretStr(answer.code))]


def _fault_of(flow: Flow, answer: RedirectAnswer) -> FlowError | None:
    """Return why an answer is not one to this flow; None when it is."""
    if answer.is_query and not answer.state:
        return FlowError("state_missing", texts.STATE_MISSING)
    if answer.state and not flow.has_state(answer.state):
        return FlowError("state_mismatch", texts.STATE_MISMATCH)
    if answer.issuer and flow.issuer and answer.issuer != flow.issuer:
        # RFC 9207: the answer of another server
        return FlowError("state_mismatch", texts.STATE_MISMATCH)
    if not answer.code and not answer.error:
        return FlowError("code_missing", texts.CODE_MISSING)
    return None


def _refused(flow: Flow, error: str, now: datetime) -> Step:
    if error in PASSING_ERRORS:
        return _back_to_user(flow, "upstream_error", texts.TRY_AGAIN), []
    if error == "access_denied":
        message = texts.ACCESS_DENIED
        return ended(flow, "failed", now, message=message, code="access_denied"), [Release()]
    shown = error if ERROR_NAME.fullmatch(error) else "an unknown error"
    message = texts.PROVIDER_ERROR.format(shown)
    return ended(flow, "failed", now, message=message, code="upstream_error"), [Release()]


def _polled(flow: Flow, event: DevicePending | DevicePollFailed) -> Step:
    interval = flow.interval
    if isinstance(event, DevicePollFailed):
        # RFC 8628 §3.5: back off when a poll times out
        pause = min(2 * interval, MAX_INTERVAL_SECONDS)
        error = FlowError("upstream_unreachable", event.message)
        return replace(flow, error=error), [PollDevice(pause)]
    if event.is_too_fast:
        interval = max(interval + SLOW_DOWN_SECONDS, event.interval or 0)
    interval = min(interval, MAX_INTERVAL_SECONDS)
    return replace(flow, interval=interval, error=None), [PollDevice(interval)]


def _verify(flow: Flow, tokens: TokenSet | None, now: datetime) -> Step:
    verifying = replace(
        flow,
        state="verifying",
        tokens=tokens,
        obtained_at=now,
        deadline=now + VERIFY_TIME,
        attempts=1,
        message=texts.VERIFYING,
        error=None,
    )
    return verifying, [Identify(tokens)]


def _failed(flow: Flow, event: StepFailed, now: datetime) -> Step:
    if event.is_retryable and flow.state == "verifying" and not flow.is_storing:
        if flow.kind != "api_key" and flow.attempts < MAX_VERIFICATIONS:
            again = replace(
                flow,
                attempts=flow.attempts + 1,
                error=FlowError(event.code, event.message),
            )
            return again, [Identify(flow.tokens, after_seconds=2.0 ** (flow.attempts - 1))]
        if flow.kind in {"api_key", "authorization_code"} and now < flow.expires_at:
            return _back_to_user(flow, event.code, event.message), []
    if event.is_retryable and flow.state == "exchanging" and now < flow.expires_at:
        return _back_to_user(flow, event.code, event.message), []
    if event.code == "invalid_key" and flow.state == "verifying" and now < flow.expires_at:
        return _back_to_user(flow, event.code, event.message), []
    if event.is_retryable and flow.state == "awaiting_user":
        return replace(flow, error=FlowError(event.code, event.message)), []
    state = "expired" if event.code == "expired_token" else "failed"
    return ended(flow, state, now, message=event.message, code=event.code), [Release()]


def _pass_time(flow: Flow, now: datetime) -> Step:
    if now < flow.deadline or flow.is_storing:
        return flow, []
    if flow.state in {"exchanging", "verifying"}:
        slow = StepFailed("upstream_unreachable", texts.TOO_SLOW, is_retryable=True)
        after, actions = _failed(replace(flow, attempts=MAX_VERIFICATIONS), slow, now)
        return after, [StopWork(), *actions]
    if flow.state == "starting":
        code = "upstream_unreachable"
        return ended(flow, "failed", now, message=texts.TOO_SLOW, code=code), [Release()]
    return ended(flow, "expired", now, message=texts.EXPIRED, code="expired_token"), [Release()]


def _restarted(flow: Flow, now: datetime) -> Step:
    if flow.state == "verifying" and (flow.tokens is not None or flow.kind in PROGRAM_KINDS):
        tokens = flow.tokens
        return replace(flow, is_storing=False, deadline=now + VERIFY_TIME), [Identify(tokens)]
    if flow.kind in PROGRAM_KINDS:
        message = texts.RESTARTED_COMMAND
        return ended(flow, "failed", now, message=message, code="restarted"), [Release()]
    if flow.state == "starting":
        return replace(flow, deadline=now + START_TIME), [Prepare()]
    if flow.state == "exchanging":
        # whether the server has taken the code is unknown: it is not sent twice
        return _back_to_user(flow, "restarted", texts.RESTARTED), _reopen(flow)
    return flow, [PollDevice(flow.interval)] if flow.device_code else _reopen(flow)


def _reopen(flow: Flow) -> Sequence[Action]:
    return [OpenListener()] if flow.redirect == "loopback" else []


def _back_to_user(flow: Flow, code: str, message: str) -> Flow:
    """Let the person try again; what was accepted before may be submitted again."""
    return replace(
        flow,
        state="awaiting_user",
        deadline=flow.expires_at,
        accepted_input="",
        tokens=None,
        obtained_at=None,
        message=message,
        error=FlowError(code, message),
    )


def _rejected(flow: Flow, code: str, message: str) -> Step:
    error = FlowError(code, message)
    return replace(flow, message=message, error=error), [Reject(code, message)]


def _reject_late(flow: Flow, event: Event) -> Sequence[Action]:
    """Refuse a text for a flow that has ended, unless it is the one that was accepted."""
    if not isinstance(event, TextSubmitted) or _is_accepted(flow, event.text):
        return []
    return [Reject("not_waiting", texts.OVER)]


def _is_accepted(flow: Flow, text: str) -> bool:
    """Return whether a text is, or has the code, that was accepted last."""
    if not flow.accepted_input:
        return False
    if flow.kind != "api_key":
        with suppress(CodeMissing):
            text = parse_paste(text).code
    return flow.hash_input(text) == flow.accepted_input


def _takes_answer(flow: Flow) -> bool:
    """Return whether the text to submit is an authorization answer."""
    return flow.kind == "authorization_code" or flow.oauth_state is not None


def _awaits_code(flow: Flow) -> bool:
    return flow.state == "awaiting_user" and flow.kind == "authorization_code"


def next_time(flow: Flow, keep: timedelta) -> datetime:
    """Return when time changes a flow: at its deadline, or when it is to be forgotten."""
    return flow.ended_at + keep if flow.ended_at is not None else flow.deadline
