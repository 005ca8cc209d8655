"""The transition table of a flow, row by row, with the time as an argument."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from tests.services.auth_flows.flows_at import (
    ACCOUNT,
    NOW,
    PROMPTS,
    STATE,
    TOKENS,
    exchanging,
    starting,
    storing,
    verifying,
    waiting,
)
from xo_cowork_core.sdk.connector import TokenSet
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
    CallbackReceived,
    CancelRequested,
    ConnectionStored,
    DevicePending,
    DevicePollFailed,
    Event,
    ListenerLost,
    ServerRestarted,
    StepFailed,
    TextSubmitted,
    TimePassed,
    TokensReceived,
)
from xo_cowork_core.services.auth_flows.flow import Flow
from xo_cowork_core.services.auth_flows.step import step

BACK = {"code": "the/code+=", "state": STATE}
URL = f"http://127.0.0.1:4000/callback?code=the%2Fcode%2B%3D&state={STATE}"
CODE = ExchangeCode(SecretStr("the/code+="))
UNREACHABLE = StepFailed("upstream_unreachable", "It is down.", is_retryable=True)


@dataclass(frozen=True)
class Row:
    """One row: what follows from an event `after` seconds after the start."""

    name: str
    flow: Flow
    event: Event
    state: str
    actions: tuple[type[Action] | Action, ...] = ()
    error: str | None = None
    after: float = 1.0


ROWS = (
    # starting
    Row("authorization ready", starting(), PROMPTS["authorization_code"], "awaiting_user"),
    Row(
        "device code ready",
        starting("device_code"),
        PROMPTS["device_code"],
        "awaiting_user",
        (PollDevice(5),),
    ),
    Row("key wanted", starting("api_key"), PROMPTS["api_key"], "awaiting_user"),
    Row("program prompts", starting("command"), PROMPTS["command"], "awaiting_user"),
    Row(
        "program needs no person",
        starting("command"),
        TokensReceived(TOKENS),
        "verifying",
        (Identify(TOKENS),),
    ),
    Row("no start", starting(), UNREACHABLE, "failed", (Release(),), "upstream_unreachable"),
    Row(
        "slow start",
        starting(),
        TimePassed(),
        "failed",
        (Release(),),
        "upstream_unreachable",
        after=30,
    ),
    Row(
        "text too early",
        starting(),
        TextSubmitted("code"),
        "starting",
        (Reject,),
    ),
    # awaiting_user, authorization code
    Row("browser returns", waiting(), CallbackReceived(BACK), "exchanging", (CODE,)),
    Row("whole URL pasted", waiting(), TextSubmitted(URL), "exchanging", (CODE,)),
    Row(
        "URL with line breaks pasted",
        waiting(),
        TextSubmitted(f"  {URL[:50]}\n  {URL[50:]}\n"),
        "exchanging",
        (CODE,),
    ),
    Row(
        "query pasted",
        waiting(),
        TextSubmitted(URL.split("?")[1]),
        "exchanging",
        (CODE,),
    ),
    Row(
        "fragment pasted",
        waiting(),
        TextSubmitted(URL.replace("?", "#")),
        "exchanging",
        (CODE,),
    ),
    Row("bare code pasted", waiting(), TextSubmitted(" the/code+=\n"), "exchanging", (CODE,)),
    Row(
        "URL of another flow pasted",
        waiting(),
        TextSubmitted(URL.replace(STATE, "old")),
        "awaiting_user",
        (Reject,),
        "state_mismatch",
    ),
    Row(
        "URL without state pasted",
        waiting(),
        TextSubmitted("http://127.0.0.1:4000/callback?code=c"),
        "awaiting_user",
        (Reject,),
        "state_missing",
    ),
    Row(
        "URL without code pasted",
        waiting(),
        TextSubmitted(f"http://127.0.0.1:4000/callback?state={STATE}"),
        "awaiting_user",
        (Reject,),
        "code_missing",
    ),
    Row(
        "first page pasted",
        waiting(),
        TextSubmitted("https://acme.test/login"),
        "awaiting_user",
        (Reject,),
        "code_missing",
    ),
    Row(
        "nothing pasted",
        waiting(),
        TextSubmitted(" \n"),
        "awaiting_user",
        (Reject,),
        "code_missing",
    ),
    Row(
        "other state in the browser",
        waiting(),
        CallbackReceived(BACK | {"state": "old"}),
        "awaiting_user",
        (Reject,),
        "state_mismatch",
    ),
    Row(
        "answer of another server",
        waiting(),
        CallbackReceived(BACK | {"iss": "https://evil.test"}),
        "awaiting_user",
        (Reject,),
        "state_mismatch",
    ),
    Row(
        "right issuer",
        waiting(),
        CallbackReceived(BACK | {"iss": "https://acme.test"}),
        "exchanging",
        (CODE,),
    ),
    Row(
        "denied",
        waiting(),
        CallbackReceived({"error": "access_denied", "state": STATE}),
        "failed",
        (Release(),),
        "access_denied",
    ),
    Row(
        "error with another state",
        waiting(),
        CallbackReceived({"error": "access_denied", "state": "old"}),
        "awaiting_user",
        (Reject,),
        "state_mismatch",
    ),
    Row(
        "error without state pasted",
        waiting(),
        TextSubmitted("?error=access_denied"),
        "awaiting_user",
        (Reject,),
        "state_missing",
    ),
    Row(
        "provider overloaded",
        waiting(),
        CallbackReceived({"error": "temporarily_unavailable", "state": STATE}),
        "awaiting_user",
        (),
        "upstream_error",
    ),
    Row(
        "provider refuses",
        waiting(),
        CallbackReceived({"error": "invalid_scope", "state": STATE}),
        "failed",
        (Release(),),
        "upstream_error",
    ),
    Row("port lost", waiting(), ListenerLost(), "awaiting_user"),
    Row(
        "nobody came",
        waiting(),
        TimePassed(),
        "expired",
        (Release(),),
        "expired_token",
        after=600,
    ),
    Row(
        "paste too late",
        waiting(),
        TextSubmitted(URL),
        "expired",
        (Release(), Reject),
        "expired_token",
        after=600,
    ),
    Row("just in time", waiting(), TextSubmitted(URL), "exchanging", (CODE,), after=599),
    # awaiting_user, device code
    Row(
        "not yet",
        waiting("device_code"),
        DevicePending(),
        "awaiting_user",
        (PollDevice(5),),
    ),
    Row(
        "slow down",
        waiting("device_code"),
        DevicePending(is_too_fast=True),
        "awaiting_user",
        (PollDevice(10),),
    ),
    Row(
        "slow down to an interval",
        waiting("device_code"),
        DevicePending(is_too_fast=True, interval=17),
        "awaiting_user",
        (PollDevice(17),),
    ),
    Row(
        "slow down for ever",
        waiting("device_code"),
        DevicePending(is_too_fast=True, interval=100_000),
        "awaiting_user",
        (PollDevice(60),),
    ),
    Row(
        "poll without an answer",
        waiting("device_code"),
        DevicePollFailed("It is down."),
        "awaiting_user",
        (PollDevice(10),),
        "upstream_unreachable",
    ),
    Row(
        "approved",
        waiting("device_code"),
        TokensReceived(TOKENS),
        "verifying",
        (Identify(TOKENS),),
    ),
    Row(
        "device denied",
        waiting("device_code"),
        StepFailed("access_denied", "No."),
        "failed",
        (Release(),),
        "access_denied",
    ),
    Row(
        "device expired at the server",
        waiting("device_code"),
        StepFailed("expired_token", "Too late."),
        "expired",
        (Release(),),
        "expired_token",
    ),
    Row(
        "device expired here",
        waiting("device_code"),
        TimePassed(),
        "expired",
        (Release(),),
        "expired_token",
        after=900,
    ),
    Row(
        "approved in time, answered late",
        waiting("device_code"),
        TokensReceived(TOKENS),
        "verifying",
        (Identify(TOKENS),),
        after=901,
    ),
    Row(
        "a text for a device",
        waiting("device_code"),
        TextSubmitted("AB-CD"),
        "awaiting_user",
        (Reject,),
    ),
    # awaiting_user, API key
    Row(
        "key pasted",
        waiting("api_key"),
        TextSubmitted(" key-1\n"),
        "verifying",
        (Identify(TokenSet(SecretStr("key-1"))),),
    ),
    Row(
        "key of another shape",
        replace(waiting("api_key"), key_pattern="key-[0-9]+"),
        TextSubmitted("key-x"),
        "awaiting_user",
        (Reject,),
        "invalid_key",
    ),
    Row(
        "two lines as a key",
        waiting("api_key"),
        TextSubmitted("key-1\nkey-2"),
        "awaiting_user",
        (Reject,),
        "invalid_key",
    ),
    # awaiting_user, command
    Row(
        "line for the program",
        waiting("command"),
        TextSubmitted("1234\n"),
        "awaiting_user",
        (PassInput(SecretStr("1234")),),
    ),
    Row(
        "two lines for the program",
        waiting("command"),
        TextSubmitted("1\n2"),
        "awaiting_user",
        (Reject,),
        "code_missing",
    ),
    Row(
        "program fails",
        waiting("command"),
        StepFailed("failed", "Exit code 2."),
        "failed",
        (Release(),),
        "failed",
    ),
    # exchanging
    Row("tokens came", exchanging(), TokensReceived(TOKENS), "verifying", (Identify(TOKENS),)),
    Row("server down", exchanging(), UNREACHABLE, "awaiting_user", (), "upstream_unreachable"),
    Row(
        "code refused",
        exchanging(),
        StepFailed("invalid_grant", "No."),
        "failed",
        (Release(),),
        "invalid_grant",
    ),
    Row(
        "no answer",
        exchanging(),
        TimePassed(),
        "awaiting_user",
        (StopWork(),),
        "upstream_unreachable",
        after=30,
    ),
    Row(
        "no answer and no time",
        replace(exchanging(), expires_at=NOW + timedelta(seconds=20)),
        TimePassed(),
        "failed",
        (StopWork(), Release()),
        "upstream_unreachable",
        after=30,
    ),
    Row("browser returns twice", exchanging(), CallbackReceived(BACK), "exchanging"),
    # verifying
    Row(
        "account known",
        verifying(),
        AccountIdentified(ACCOUNT),
        "verifying",
        (StoreConnection(),),
    ),
    Row(
        "service down",
        verifying(),
        UNREACHABLE,
        "verifying",
        (Identify(TOKENS, 1.0),),
        "upstream_unreachable",
    ),
    Row(
        "service down again",
        replace(verifying(), attempts=2),
        UNREACHABLE,
        "verifying",
        (Identify(TOKENS, 2.0),),
        "upstream_unreachable",
    ),
    Row(
        "service stays down",
        replace(verifying(), attempts=3),
        UNREACHABLE,
        "awaiting_user",
        (),
        "upstream_unreachable",
    ),
    Row(
        "service stays down for a device",
        replace(verifying("device_code"), attempts=3),
        UNREACHABLE,
        "failed",
        (Release(),),
        "upstream_unreachable",
    ),
    Row(
        "service down for a key",
        verifying("api_key"),
        UNREACHABLE,
        "awaiting_user",
        (),
        "upstream_unreachable",
    ),
    Row(
        "wrong key",
        verifying("api_key"),
        StepFailed("invalid_key", "No."),
        "awaiting_user",
        (),
        "invalid_key",
    ),
    Row(
        "new tokens refused",
        verifying(),
        StepFailed("needs_auth", "No."),
        "failed",
        (Release(),),
        "needs_auth",
    ),
    Row(
        "slow service",
        verifying(),
        TimePassed(),
        "awaiting_user",
        (StopWork(),),
        "upstream_unreachable",
        after=60,
    ),
    Row("stored", storing(), ConnectionStored(), "completed", (Release(),)),
    Row(
        "another account",
        storing(),
        StepFailed("account_mismatch", "No."),
        "failed",
        (Release(),),
        "account_mismatch",
    ),
    Row(
        "disk full",
        storing(),
        StepFailed("storage_failed", "No."),
        "failed",
        (Release(),),
        "storage_failed",
    ),
    # cancellation
    Row("cancelled at the start", starting(), CancelRequested(), "cancelled", (Release(),)),
    Row("cancelled by a person", waiting(), CancelRequested(), "cancelled", (Release(),)),
    Row("cancelled exchange", exchanging(), CancelRequested(), "cancelled", (Release(),)),
    Row("cancelled check", verifying(), CancelRequested(), "cancelled", (Release(),)),
    Row("cancelled too late", storing(), CancelRequested(), "verifying"),
    Row(
        "superseded",
        waiting(),
        CancelRequested(superseded=True),
        "cancelled",
        (Release(),),
        "superseded",
    ),
    # restart
    Row("restart at the start", starting(), ServerRestarted(), "starting", (Prepare(),)),
    Row("restart in between", waiting(), ServerRestarted(), "awaiting_user", (OpenListener(),)),
    Row(
        "restart of a pasted flow",
        replace(waiting(), redirect="paste"),
        ServerRestarted(),
        "awaiting_user",
    ),
    Row(
        "restart of a device",
        waiting("device_code"),
        ServerRestarted(),
        "awaiting_user",
        (PollDevice(5),),
    ),
    Row("restart of a key", waiting("api_key"), ServerRestarted(), "awaiting_user"),
    Row(
        "restart of a program",
        waiting("command"),
        ServerRestarted(),
        "failed",
        (Release(),),
        "restarted",
    ),
    Row(
        "restart of a program at the start",
        starting("command"),
        ServerRestarted(),
        "failed",
        (Release(),),
        "restarted",
    ),
    Row(
        "restart in an exchange",
        exchanging(),
        ServerRestarted(),
        "awaiting_user",
        (OpenListener(),),
        "restarted",
    ),
    Row("restart in a check", verifying(), ServerRestarted(), "verifying", (Identify(TOKENS),)),
    Row("restart while storing", storing(), ServerRestarted(), "verifying", (Identify(TOKENS),)),
    Row(
        "restart after the time",
        waiting(),
        ServerRestarted(),
        "expired",
        (Release(),),
        "expired_token",
        after=3600,
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "_"))
def test_each_row_of_the_table(row: Row) -> None:
    flow, actions = step(row.flow, row.event, NOW + timedelta(seconds=row.after))
    assert flow.state == row.state
    assert (flow.error.code if flow.error else None) == row.error
    assert len(actions) == len(row.actions)
    for action, expected in zip(actions, row.actions, strict=True):
        assert action == expected or type(action) is expected, action


def test_a_second_paste_of_the_same_answer_changes_nothing() -> None:
    flow, _ = step(waiting(), TextSubmitted(URL), NOW)
    for text in (URL, f" {URL}\n", "the/code+="):
        assert step(flow, TextSubmitted(text), NOW) == (flow, [])
    assert isinstance(step(flow, TextSubmitted("another"), NOW)[1][0], Reject)


def test_the_answer_that_the_browser_brought_may_also_be_pasted() -> None:
    flow, _ = step(waiting(), CallbackReceived(BACK), NOW)
    assert step(flow, TextSubmitted(URL), NOW) == (flow, [])


def test_after_a_fault_that_passes_the_same_answer_is_taken_again() -> None:
    flow, _ = step(waiting(), TextSubmitted(URL), NOW)
    flow, _ = step(flow, UNREACHABLE, NOW)
    flow, actions = step(flow, TextSubmitted(URL), NOW)
    assert (flow.state, list(actions)) == ("exchanging", [CODE])


def test_an_answer_may_be_pasted_again_after_the_end() -> None:
    flow, _ = step(waiting(), TextSubmitted(URL), NOW)
    flow, _ = step(flow, TokensReceived(TOKENS), NOW)
    flow, _ = step(flow, AccountIdentified(ACCOUNT), NOW)
    flow, _ = step(flow, ConnectionStored(), NOW)
    assert step(flow, TextSubmitted(URL), NOW) == (flow, [])
    assert isinstance(step(flow, TextSubmitted("other"), NOW)[1][0], Reject)
