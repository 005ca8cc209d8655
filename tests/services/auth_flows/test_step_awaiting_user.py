"""The transition table of a flow that waits for a person, row by row."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from tests.services.auth_flows.flows_at import (
    ACCOUNT,
    NOW,
    STATE,
    TOKENS,
    waiting,
)
from tests.services.auth_flows.step_rows import BACK, CODE, UNREACHABLE, URL, Row, check
from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.services.auth_flows.actions import (
    Identify,
    PassInput,
    PollDevice,
    Reject,
    Release,
)
from xo_cowork_core.services.auth_flows.events import (
    AccountIdentified,
    CallbackReceived,
    ConnectionStored,
    DevicePending,
    DevicePollFailed,
    ListenerLost,
    StepFailed,
    TextSubmitted,
    TimePassed,
    TokensReceived,
)
from xo_cowork_core.services.auth_flows.step import step

ROWS = (
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
    Row(
        "too much pasted",
        waiting(),
        TextSubmitted(URL + "&x=" + "x" * 17_000),
        "awaiting_user",
        (Reject,),
        "code_missing",
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
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "_"))
def test_each_row_of_the_table(row: Row) -> None:
    check(row)


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
